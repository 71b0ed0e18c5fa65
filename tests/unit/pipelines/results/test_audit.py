from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.results import audit
from pipelines.results.audit import AuditHead, AuditLog, hash_entry, local_account
from pipelines.results.auditing import AnchoredHead, check_audit
from sievert.errors import AuditError


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path, who="dr.who")
    for number in range(6):
        log.append("opened", job="a" * 64, records=[f"{number:032x}"])
    return log


def faults(lines: list[bytes], *anchored: AnchoredHead) -> list[int]:
    return [number for number, _ in check_audit(lines, anchored).faults]


def test_entries_say_who_what_when_and_chain(log: AuditLog) -> None:
    check = check_audit(log.lines())
    assert not check.faults
    assert [entry["n"] for entry in check.entries] == [1, 2, 3, 4, 5, 6]
    first = check.entries[0]
    assert (first["who"], first["what"], first["about"]["records"]) == ("dr.who", "opened", ["0" * 32])
    assert datetime.fromisoformat(first["time"]).tzinfo is not None
    assert check.head == log.head()
    assert stat.S_IMODE(log.file.stat().st_mode) == 0o600


def test_the_account_is_named_where_nobody_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    AuditLog(tmp_path).append("x")
    assert check_audit(AuditLog(tmp_path).lines()).entries[0]["who"] == local_account()
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999_999)
    assert local_account() == "uid 3999999999"


def test_every_entry_that_is_removed_is_named(log: AuditLog) -> None:
    lines = list(log.lines())
    for gone in range(5):
        check = check_audit(lines[:gone] + lines[gone + 1 :])
        assert check.faults[0] == (gone + 1, f"entry {gone + 1} is missing before entry {gone + 2}")


def test_every_entry_that_is_changed_is_named_whatever_is_changed(log: AuditLog) -> None:
    lines = list(log.lines())
    for place, line in enumerate(lines):
        for key in ("who", "time", "what", "about", "schema", "hash"):
            changed = {**json.loads(line), key: "00" * 32}
            assert place + 1 in faults([*lines[:place], json.dumps(changed).encode() + b"\n", *lines[place + 1 :]]), key


def test_entries_that_change_places_are_named(log: AuditLog) -> None:
    lines = list(log.lines())
    assert faults([*lines[:2], lines[3], lines[2], *lines[4:]])[0] == 3
    assert faults([*lines, lines[2]]) == [3]


def test_what_is_no_entry_is_named_by_its_place(log: AuditLog) -> None:
    lines = list(log.lines())
    for rubbish in (
        b"\n",
        b"{}\n",
        b"[1]\n",
        b'{"n":"3","hash":"00"}\n',
        b'{"n":3,"hash":"zz"}\n',
        b"\xff\n",
        b"null\n",
    ):
        assert faults([*lines[:2], rubbish, *lines[3:]])[0] == 3


def test_an_entry_changed_with_its_hash_breaks_the_chain_behind_it(log: AuditLog) -> None:
    lines = list(log.lines())
    entry = json.loads(lines[2]) | {"who": "nobody"}
    entry["hash"] = hash_entry(json.loads(lines[1])["hash"], entry)
    assert faults([*lines[:2], json.dumps(entry).encode() + b"\n", *lines[3:]]) == [4]


def test_a_tail_that_was_cut_off_is_found_by_an_anchored_head(log: AuditLog) -> None:
    head, lines = AnchoredHead("a" * 64, log.head()), list(log.lines())
    assert faults(lines, head) == faults(lines[:5]) == []
    check = check_audit(lines[:4], [head])
    assert check.faults == [(5, f"the log ends at entry 4; job {'a' * 12} was anchored with 6")]
    assert faults([], head) == [1]


def test_a_log_written_anew_is_found_by_an_anchored_head(log: AuditLog, tmp_path: Path) -> None:
    head = AnchoredHead("a" * 64, log.head())
    other = AuditLog(tmp_path / "..", who="mallory")
    other.file = tmp_path / "other.jsonl"
    for _ in range(7):
        other.append("opened")
    assert faults(list(other.lines()), head) == [6]


def test_half_a_line_of_a_crash_is_told_and_the_next_entry_mends_it(log: AuditLog) -> None:
    head = log.head()
    with log.file.open("ab") as torn:
        torn.write(b'{"n":7,"wh')
    assert check_audit(log.lines()).faults == [(7, "entry 7 cannot be read, it is cut off")]
    assert log.append("x").entries == head.entries + 1
    assert not check_audit(log.lines()).faults


def test_a_log_of_half_a_line_only_begins_anew(tmp_path: Path) -> None:
    (tmp_path / audit.FILE).write_bytes(b'{"n":1')
    assert AuditLog(tmp_path).append("x").entries == 1


def test_long_entries_are_found_from_the_end(log: AuditLog) -> None:
    log.append("opened", records=["f" * 32] * 10_000)
    assert log.append("x").entries == 8
    assert not check_audit(log.lines()).faults


def test_many_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: AuditLog(tmp_path).append("x", number=number), range(40)))
    check = check_audit(AuditLog(tmp_path).lines())
    assert not check.faults
    assert check.head.entries == 40


def test_a_damaged_end_is_not_written_behind(log: AuditLog) -> None:
    with log.file.open("ab") as rubbish:
        rubbish.write(b"rubbish\n")
    with pytest.raises(AuditError):
        log.append("x")


def age(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six entries of 200 days ago, then two of today."""
    log.file.unlink()

    class Then(datetime):
        @classmethod
        def now(cls, _: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=200)

    with monkeypatch.context() as patch:
        patch.setattr(audit, "datetime", Then)
        for _ in range(6):
            log.append("old")
    log.append("new")
    log.append("new")


def test_pruning_leaves_a_checkpoint_that_the_chain_goes_on_from(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(log, monkeypatch)
    assert log.prune(datetime.now(UTC) - timedelta(days=183)) == 6
    check = check_audit(log.lines())
    assert not check.faults
    assert (check.pruned, [entry["what"] for entry in check.entries]) == (6, ["new", "new", "pruned"])
    assert log.append("new").entries == 10
    assert log.prune(datetime.now(UTC) - timedelta(days=183)) == 0


def test_pruning_everything_twice_keeps_the_chain(log: AuditLog) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    assert (log.prune(later), log.prune(later)) == (6, 1)
    check = check_audit(log.lines())
    assert not check.faults
    assert (check.pruned, check.head.entries) == (7, 8)


def test_a_checkpoint_that_no_pruning_tells_of_is_a_removal(log: AuditLog) -> None:
    lines = list(log.lines())
    forged = json.dumps({"checkpoint": 2, "hash": json.loads(lines[1])["hash"]}).encode() + b"\n"
    assert check_audit([forged, *lines[2:]]).faults == [(2, "entries 1 to 2 were removed, and no pruning says so")]


def test_heads_from_before_a_pruning_are_not_missed(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    age(log, monkeypatch)
    old, new = AnchoredHead("a" * 64, AuditHead(3, "00" * 32)), AnchoredHead("b" * 64, log.head())
    log.prune(datetime.now(UTC) - timedelta(days=183))
    assert faults(list(log.lines()), old, new) == []
