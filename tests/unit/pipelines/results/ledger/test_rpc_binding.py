"""From stored results to verified ones, on a chain that is away when the screening ends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from rpc_bench import OWNER_KEY, WRITER, WRITER_KEY, RpcBench

from pipelines.results import binding
from pipelines.results.ledger import open_ledger
from pipelines.results.verifying import verify_job
from sievert.cli.main import run
from sievert.errors import (
    ConfigError,
    IntegrityError,
    LedgerUnavailableError,
    NotAnchoredError,
    UnfinishedError,
)
from sievert.settings import LEDGER_KEY_VARIABLE as KEY_VARIABLE
from sievert.settings import LedgerSettings
from tests.anvil import CHAIN_ID, free_port
from tests.jobs import Job

pytest_plugins = ["rpc_fixtures"]


@pytest.fixture
def stored(copy_of_finished: Job) -> Job:
    """A job as a screening leaves it whose ledger was away."""
    copy_of_finished.out.anchor.unlink()
    return copy_of_finished


class Door:
    """The front door, with settings of an rpc ledger."""

    def __init__(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capfd, self._patch = capfd, monkeypatch

    def set(self, **settings: object) -> None:
        for name, value in settings.items():
            self._patch.setenv(f"SIEVERT_{name.upper()}", str(value))

    def __call__(self, *arguments: object, key: str = WRITER_KEY) -> tuple[int, Any]:
        self._patch.setenv(KEY_VARIABLE, key)
        code = run([*map(str, arguments), "--json"])
        output, self.told = self._capfd.readouterr()
        return code, json.loads(output)


@pytest.fixture
def door(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Door:
    door = Door(capfd, monkeypatch)
    door.set(
        ledger__kind="rpc",
        ledger__url=f"http://127.0.0.1:{free_port()}",
        ledger__chain_id=CHAIN_ID,
        ledger__contract=WRITER,
        ledger__confirmations=2,
        ledger__locks=tmp_path / "locks",
        ledger__timeout_s=2,
        ledger__wait_s=10,
    )
    return door


def bring_back(door: Door, rpc: RpcBench) -> None:
    door.set(ledger__url=rpc.anvil.url, ledger__contract=rpc.contract)


def test_results_are_stored_while_the_chain_is_away_and_anchored_and_verified_later(
    rpc: RpcBench, stored: Job, door: Door, pictures: Path
) -> None:
    stored.out.files.unlink()
    door.set(cohort__shard_size=8, store__keys=stored.settings.store.keys)
    code, answer = door("screen", pictures, "--out", stored.out.path)
    assert (code, answer["anchored"], answer["screened"]) == (NotAnchoredError.exit_code, False, 21)
    assert "26 results stored, not yet anchored: the node cannot be reached" in door.told
    assert "sievert anchor DIR" in door.told
    bring_back(door, rpc)
    assert door("verify", stored.out.path)[1]["error"] == "NotAnchoredError"
    with rpc.anvil.mining():
        code, anchored = door("anchor", stored.out.path)
    assert (code, anchored["root"], anchored["ledger"]) == (0, answer["root"], "rpc")
    code, verified = door("verify", stored.out.path)
    assert (code, verified["verified"], verified["failed"]) == (0, 21, 0)
    assert verified["transaction"] == anchored["transaction"]
    assert {entry.name for entry in stored.out.path.iterdir()} == {
        "job.json", "plan.parquet", "results", "quarantine.parquet", "roots.bin", "manifest.json", "report.html",
        "files.json", "anchor.json",
    }  # fmt: skip


def test_the_anchored_count_is_that_of_all_leaves_files_included(rpc: RpcBench, stored: Job, door: Door) -> None:
    bring_back(door, rpc)
    with rpc.anvil.mining():
        count = door("anchor", stored.out.path)[1]["count"]
    listed = json.loads(stored.out.files.read_bytes())
    assert count == listed["records"] + len(listed["files"])


def test_anchoring_while_the_chain_is_away_has_its_own_code_and_changes_nothing(stored: Job, door: Door) -> None:
    before = sorted(stored.out.path.rglob("*"))
    code, answer = door("anchor", stored.out.path)
    assert (code, answer["error"]) == (LedgerUnavailableError.exit_code, "LedgerUnavailableError")
    assert "not yet anchored" in answer["remedy"]
    assert sorted(stored.out.path.rglob("*")) == before


def test_results_that_were_changed_before_they_were_anchored_are_not_anchored(
    rpc: RpcBench, stored: Job, door: Door
) -> None:
    bring_back(door, rpc)
    stored.out.report.write_text("all is well")
    code, answer = door("anchor", stored.out.path)
    assert (code, answer["error"]) == (IntegrityError.exit_code, "IntegrityError")
    assert "report.html" in answer["message"]
    assert rpc.anvil.pool() == 0


def test_an_unfinished_job_is_not_anchored(stored: Job, door: Door) -> None:
    stored.out.files.unlink()
    assert door("anchor", stored.out.path)[0] == UnfinishedError.exit_code


def test_anchoring_what_is_anchored_changes_nothing(finished: Job, door: Door) -> None:
    content = finished.out.anchor.read_bytes()
    for _ in range(2):
        assert door("anchor", finished.out.path, "--ledger", finished.settings.store.ledger)[0] == 0
    assert finished.out.anchor.read_bytes() == content


def test_the_embedded_ledger_anchors_later_too(stored: Job, door: Door, tmp_path: Path) -> None:
    ledger = tmp_path / "late.sqlite"
    assert door("verify", stored.out.path, "--ledger", ledger)[1]["error"] == "NotAnchoredError"
    assert door("anchor", stored.out.path, "--ledger", ledger)[1]["ledger"] == "embedded"
    assert door("verify", stored.out.path, "--ledger", ledger)[0] == 0


def test_what_is_on_its_way_to_a_chain_goes_to_no_embedded_ledger(rpc: RpcBench, stored: Job, door: Door) -> None:
    bring_back(door, rpc)
    door.set(ledger__wait_s=0.2)
    assert door("anchor", stored.out.path)[0] == LedgerUnavailableError.exit_code
    assert door("verify", stored.out.path)[1]["error"] == "NotAnchoredError"
    code, answer = door("anchor", stored.out.path, "--ledger", stored.settings.store.ledger)
    assert (code, answer["error"]) == (52, "LedgerError")
    assert "another ledger" in answer["message"]


STEPS = ["write_whole", "drop_outbox", "drop_work"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_while_it_writes_the_anchor_down_is_followed_by_one_that_does(
    rpc: RpcBench, stored: Job, step: str, when: str
) -> None:
    settings = LedgerSettings.model_validate(
        {"kind": "rpc", "url": rpc.anvil.url, "chain_id": CHAIN_ID, "contract": rpc.contract, "confirmations": 1}
    )
    with rpc.anvil.mining():
        child = os.fork()
        if not child:
            _die_binding(stored, step=step, when=when, settings=settings)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        os.environ[KEY_VARIABLE] = WRITER_KEY
        ledger = open_ledger(settings, file=stored.settings.store.ledger, outbox=stored.out.outbox)
        binding.bind_folder(stored.out, ledger)
    assert verify_job(stored.out, ledger).lies == []
    assert rpc.anvil.nonce(WRITER) == 1


def _die_binding(stored: Job, *, step: str, when: str, settings: LedgerSettings) -> None:
    """In a process of its own: anchor, and die at the step."""
    owner: Any = binding if step == "write_whole" else type(stored.out)
    real = getattr(owner, step)

    def dying(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 - whatever the real one takes
        if when == "after":
            real(*arguments, **named)
        os._exit(9)

    setattr(owner, step, dying)
    os.environ[KEY_VARIABLE] = WRITER_KEY
    ledger = open_ledger(settings, file=stored.settings.store.ledger, outbox=stored.out.outbox)
    binding.bind_folder(stored.out, ledger)
    os._exit(0)


def test_leftovers_of_anchoring_show_in_an_anchored_folder(finished: Job, copy_of_finished: Job) -> None:
    copy_of_finished.out.outbox.touch()
    lies = verify_job(copy_of_finished.out, finished.ledger).lies
    assert [lie.file for lie in lies] == ["outbox.sqlite"]


def test_a_registry_is_deployed_looked_at_and_given_writers_from_the_front_door(rpc: RpcBench, door: Door) -> None:
    bring_back(door, rpc)
    with rpc.anvil.mining():
        code, made = door("ledger", "deploy", key=OWNER_KEY)
        assert code == 0
        assert made["contract"] != rpc.contract
        door.set(ledger__contract=made["contract"])
        assert door("ledger", "status")[1]["is_writer"] is False
        assert door("ledger", "add-writer", WRITER, key=OWNER_KEY)[0] == 0
        assert door("ledger", "status")[1]["is_writer"] is True
        assert door("ledger", "remove-writer", WRITER, key=OWNER_KEY)[0] == 0
        assert door("ledger", "status")[1]["is_writer"] is False
        assert door("ledger", "add-writer", "0x12", key=OWNER_KEY)[0] == ConfigError.exit_code


def test_status_of_an_embedded_ledger_tells_its_file(finished: Job, door: Door) -> None:
    door.set(ledger__kind="embedded")
    code, answer = door("ledger", "status", "--ledger", finished.settings.store.ledger)
    assert (code, answer["kind"], answer["exists"]) == (0, "embedded", True)
    assert door("ledger", "deploy")[0] == ConfigError.exit_code


@pytest.mark.parametrize("missing", ["url", "chain_id", "contract"])
def test_a_setting_that_an_rpc_ledger_needs_is_named_where_it_is_missing(missing: str, tmp_path: Path) -> None:
    wanted: dict[str, object] = {"kind": "rpc", "url": "http://localhost", "chain_id": 1, "contract": WRITER}
    del wanted[missing]
    with pytest.raises(ConfigError, match=f"ledger.{missing}"):
        open_ledger(LedgerSettings.model_validate(wanted), file=tmp_path / "none")


def test_an_address_with_a_mistyped_digit_and_a_url_of_another_kind_are_refused(tmp_path: Path) -> None:
    wanted = {"kind": "rpc", "url": "http://localhost", "chain_id": 1, "contract": WRITER}
    mistyped = WRITER[:-1] + ("8" if WRITER[-1] != "8" else "9")
    for name, value, told in (("contract", mistyped, "checksum"), ("url", "ws://localhost", "neither")):
        with pytest.raises(ConfigError, match=told):
            open_ledger(LedgerSettings.model_validate({**wanted, name: value}), file=tmp_path / "none")


def test_settings_show_no_token_of_the_nodes_url(door: Door) -> None:
    door.set(ledger__url="https://node.example/v3/hush")
    code, answer = door("settings")
    assert code == 0
    assert "hush" not in json.dumps(answer)
