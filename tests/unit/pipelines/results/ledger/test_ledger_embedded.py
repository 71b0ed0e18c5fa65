from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING

import pytest
from ledger_programs import start_python, word

from pipelines.results.ledger import Anchor, EmbeddedLedger, Ledger
from pipelines.results.ledger.file import read_file, write_file
from pipelines.results.ledger.signer import Signer
from sievert.errors import AnchorError, LedgerError

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["ledger_fixtures"]

JOB, ROOT = word("job"), word("root")
FIND = "import sys; from pathlib import Path; from pipelines.results.ledger import EmbeddedLedger as L; "
FIND += "print(L(Path(sys.argv[1])).find(bytes.fromhex(sys.argv[2])))"
IMPORTED = "import sys, pipelines.results.ledger; print([m for m in ('eth', 'eth_utils', 'vyper') if m in sys.modules])"


def test_an_anchor_names_the_root_and_where_it_stands(ledger_path: Path) -> None:
    ledger: Ledger = EmbeddedLedger(ledger_path, clock=lambda: 4_000_000_000)
    made = ledger.anchor(word("other"), root=ROOT, count=7)
    assert ledger.find(word("other")) == made
    assert (made.job, made.root, made.count, made.kind) == (word("other"), ROOT, 7, "embedded")
    assert (made.block, made.time, made.chain_id) == (3, 4_000_000_000, 1398166100)
    assert len(made.transaction) == 66
    assert len(made.contract) == len(made.sender) == 42


def test_an_anchor_is_found_by_another_process(ledger_path: Path) -> None:
    output, errors = start_python("-c", FIND, str(ledger_path), JOB.hex()).communicate()
    assert (output.strip(), errors) == (repr(EmbeddedLedger(ledger_path).find(JOB)), "")


def test_a_job_that_was_never_anchored_is_not_found(ledger_path: Path) -> None:
    assert EmbeddedLedger(ledger_path).find(word("never")) is None


def test_another_root_for_a_job_is_refused_and_the_first_one_stays(ledger_path: Path) -> None:
    ledger = EmbeddedLedger(ledger_path)
    before = ledger.find(JOB)
    with pytest.raises(AnchorError, match="another root"):
        ledger.anchor(JOB, root=word("other root"), count=5)
    assert ledger.find(JOB) == before


def test_another_count_for_a_job_is_refused(ledger_path: Path) -> None:
    with pytest.raises(AnchorError):
        EmbeddedLedger(ledger_path).anchor(JOB, root=ROOT, count=6)


def test_anchoring_again_returns_the_first_anchor_and_makes_no_block(ledger_path: Path) -> None:
    ledger = EmbeddedLedger(ledger_path)
    assert ledger.anchor(JOB, root=ROOT, count=5) == ledger.find(JOB)
    assert ledger.anchor(word("next"), root=ROOT, count=1).block == 3


@pytest.mark.parametrize("count", [0, 2**40 - 1])
def test_a_count_at_the_edge_of_its_range_comes_back_exactly(ledger_path: Path, count: int) -> None:
    ledger = EmbeddedLedger(ledger_path)
    ledger.anchor(word("edge"), root=ROOT, count=count)
    found = ledger.find(word("edge"))
    assert found is not None
    assert found.count == count


@pytest.mark.parametrize(
    ("job", "root", "count", "reason"),
    [
        (bytes(32), ROOT, 1, "zero job"),
        (word("new"), bytes(32), 1, "zero root"),
        (word("new")[:31], ROOT, 1, "32 bytes"),
        (word("new"), ROOT + b"\0", 1, "32 bytes"),
        (word("new"), ROOT, -1, "count"),
        (word("new"), ROOT, 2**40, "count"),
    ],
    ids=["zero job", "zero root", "short job", "long root", "count below 0", "count above 40 bits"],
)
def test_what_the_registry_cannot_hold_is_refused_and_leaves_no_trace(
    ledger_path: Path, job: bytes, root: bytes, count: int, reason: str
) -> None:
    before = ledger_path.read_bytes()
    with pytest.raises(LedgerError, match=reason):
        EmbeddedLedger(ledger_path).anchor(job, root=root, count=count)
    assert EmbeddedLedger(ledger_path).find(word("new")) is None
    assert ledger_path.read_bytes() == before


def test_looking_into_a_ledger_that_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    ledger = EmbeddedLedger(tmp_path / "folder" / "ledger.sqlite")
    assert ledger.find(JOB) is None
    with pytest.raises(LedgerError, match="no ledger"):
        ledger.check()
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_neither_the_file_nor_its_folder(ledger_path: Path) -> None:
    before = (ledger_path.read_bytes(), ledger_path.stat().st_mtime_ns)
    ledger = EmbeddedLedger(ledger_path)
    ledger.find(JOB)
    ledger.check()
    assert (ledger_path.read_bytes(), ledger_path.stat().st_mtime_ns) == before
    assert list(ledger_path.parent.iterdir()) == [ledger_path]


def test_the_first_anchor_makes_the_folders_and_leaves_the_file_alone_in_them(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "ledger.sqlite"
    assert EmbeddedLedger(path).anchor(JOB, root=ROOT, count=1).block == 2
    assert list(path.parent.iterdir()) == [path]


def test_time_of_a_block_follows_its_parents_when_the_clock_goes_back(ledger_path: Path) -> None:
    first = EmbeddedLedger(ledger_path).find(JOB)
    assert first is not None
    late = EmbeddedLedger(ledger_path, clock=lambda: 1000.0).anchor(word("late"), root=ROOT, count=1)
    assert late.time == first.time + 1


def test_two_ledgers_have_different_keys_and_contracts(laid_ledger: Path, tmp_path: Path) -> None:
    here = EmbeddedLedger(laid_ledger).find(JOB)
    there = EmbeddedLedger(tmp_path / "ledger.sqlite").anchor(JOB, root=ROOT, count=5)
    assert isinstance(here, Anchor)
    assert here.sender != there.sender
    assert here.contract != there.contract
    assert here.code_hash == there.code_hash


def test_the_key_shows_in_no_repr_and_no_log(ledger_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = read_file(ledger_path, lambda store: store[b"sievert:key"])
    with caplog.at_level(logging.DEBUG):
        anchor = EmbeddedLedger(ledger_path).anchor(word("quiet"), root=ROOT, count=1)
    shown = repr((Signer(secret), EmbeddedLedger(ledger_path), anchor)) + caplog.text
    assert not [form for form in (secret.hex(), repr(secret), str(int.from_bytes(secret))) if form in shown]


def test_a_ledger_survives_pickling(ledger_path: Path) -> None:
    ledger = pickle.loads(pickle.dumps(EmbeddedLedger(ledger_path)))  # noqa: S301 - our own bytes, as Ray sends them
    assert ledger.find(JOB) == EmbeddedLedger(ledger_path).find(JOB)


def test_a_registry_with_other_code_is_refused(ledger_path: Path) -> None:
    write_file(ledger_path, lambda store: store.set(b"sievert:contract", bytes(20)), wait_s=1)
    with pytest.raises(LedgerError, match="not the registry"):
        EmbeddedLedger(ledger_path).find(JOB)


def test_importing_the_ledger_loads_neither_py_evm_nor_vyper() -> None:
    output, _ = start_python("-c", IMPORTED).communicate()
    assert output.strip() == "[]"
