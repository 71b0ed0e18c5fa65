from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest
from ledger_programs import HERE, start_python, word

from pipelines.results.ledger import Anchor, EmbeddedLedger

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytest_plugins = ["ledger_fixtures"]


def start_anchoring(*arguments: str) -> subprocess.Popen[str]:
    return start_python(str(HERE / "anchor_until_killed.py"), *arguments)


def find_confirmed(path: Path, names: list[str]) -> list[Anchor]:
    """The anchors of all names, held against what each of them was anchored with."""
    anchors = []
    for name in names:
        found = EmbeddedLedger(path).find(word(name))
        assert found is not None, name
        assert (found.root, found.count) == (word("root of " + name), int(name.rsplit("-", 1)[1]))
        anchors.append(found)
    return anchors


def kill_somewhere(process: subprocess.Popen[str], seed: int) -> list[str]:
    """What the process had confirmed when it was killed, at a random moment after its first anchor."""
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 0.4))  # noqa: S311 - any moment will do, the same one each time
    process.send_signal(signal.SIGKILL)
    output, errors = process.communicate()
    assert errors == ""
    return [line.strip() for line in (first + output).splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_writer_loses_no_confirmed_anchor_and_the_next_goes_on(ledger_path: Path, seed: int) -> None:
    names = kill_somewhere(start_anchoring(str(ledger_path), f"killed{seed}"), seed)
    assert names
    find_confirmed(ledger_path, names)
    ledger = EmbeddedLedger(ledger_path)
    ledger.check()
    # One more may stand than was confirmed: the process can die between its block and its word.
    after = ledger.anchor(word("after"), root=word("root"), count=1)
    assert after.block in {len(names) + 3, len(names) + 4}
    ledger.check()


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_a_hundred_killed_writers_lose_no_confirmed_anchor_and_anchor_none_twice(
    ledger_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kills, names = 100, []
    for seed in range(kills):
        names += kill_somewhere(start_anchoring(str(ledger_path), f"turn{seed}"), seed)
    anchors = find_confirmed(ledger_path, names)
    EmbeddedLedger(ledger_path).check()
    assert len({anchor.block for anchor in anchors}) == len(anchors)
    for name, anchor in zip(names, anchors, strict=True):
        count = int(name.rsplit("-", 1)[1])
        again = EmbeddedLedger(ledger_path).anchor(word(name), root=word("root of " + name), count=count)
        assert again == anchor
    with capsys.disabled():
        print(f"\n{kills} writers killed, {len(names)} anchors confirmed, none lost, none twice")  # noqa: T201 - the count is the claim


def test_a_process_killed_while_it_lays_the_chain_leaves_no_half_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    process = start_anchoring(str(path), "first")
    while process.poll() is None and not list(tmp_path.iterdir()):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    EmbeddedLedger(path).anchor(word("job"), root=word("root"), count=1)
    EmbeddedLedger(path).check()


def test_processes_that_anchor_at_once_lose_nothing_not_even_the_race_to_lay_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    processes = [start_anchoring(str(path), name, "15") for name in ("left", "right")]
    outputs = [process.communicate() for process in processes]
    assert [errors for _, errors in outputs] == ["", ""]
    anchors = find_confirmed(path, [name for output, _ in outputs for name in output.split()])
    assert sorted(anchor.block for anchor in anchors) == list(range(2, 32))
    EmbeddedLedger(path).check()
    assert list(tmp_path.iterdir()) == [path]
