from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger, file
from sievert.errors import DiskFullError, LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger.store import Store

pytest_plugins = ["ledger_fixtures"]

ROOT = word("root")


def put(store: Store) -> None:
    store[b"key"] = b"value"


def get(store: Store) -> bytes:
    return store[b"key"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file.create_file(tmp_path / "small.sqlite", put)
    return tmp_path / "small.sqlite"


def test_only_the_owner_may_read_the_file_and_what_sqlite_keeps_beside_it(small: Path) -> None:
    def modes(store: Store) -> dict[str, int]:
        store[b"other"] = b"value"
        return {each.name: stat.S_IMODE(each.stat().st_mode) for each in small.parent.iterdir()}

    expected = {"small.sqlite": 0o600, "small.sqlite-wal": 0o600, "small.sqlite-shm": 0o600}
    assert file.write_file(small, modes, wait_s=1) == expected


def test_the_file_is_narrow_from_its_first_moment_whatever_the_umask(tmp_path: Path) -> None:
    seen: list[int] = []

    def fill(_: Store) -> None:
        seen.extend(stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("draft*"))

    before = os.umask(0)
    try:
        file.create_file(tmp_path / "ledger.sqlite", fill)
    finally:
        os.umask(before)
    assert set(seen) == {0o600}


def test_creating_leaves_a_file_that_is_there_alone(small: Path) -> None:
    file.create_file(small, lambda store: store.set(b"key", b"another"))
    assert file.read_file(small, get) == b"value"
    assert list(small.parent.iterdir()) == [small]


def test_a_file_whose_filling_fails_never_appears(tmp_path: Path) -> None:
    def fail(store: Store) -> None:
        put(store)
        raise LedgerError("broken")

    with pytest.raises(LedgerError, match="broken"):
        file.create_file(tmp_path / "ledger.sqlite", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_half_way_leaves_nothing(small: Path) -> None:
    def fail(store: Store) -> None:
        store[b"key"] = b"half"
        raise LedgerError("broken")

    with pytest.raises(LedgerError, match="broken"):
        file.write_file(small, fail, wait_s=1)
    assert file.read_file(small, get) == b"value"


def test_a_reader_sees_committed_writes_that_are_still_in_the_log(small: Path) -> None:
    with closing(sqlite3.connect(small)) as holder:
        holder.execute("SELECT count(*) FROM entries")
        file.write_file(small, lambda store: store.set(b"key", b"newer"), wait_s=1)
        assert small.with_name("small.sqlite-wal").stat().st_size > 0
        assert file.read_file(small, get) == b"newer"


def test_a_writer_gives_up_when_another_holds_the_ledger_for_too_long(small: Path) -> None:
    with closing(sqlite3.connect(small, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="Another process"):
            file.write_file(small, put, wait_s=0.05)
        assert file.read_file(small, get) == b"value"


def test_a_full_disk_is_told_as_such_and_leaves_the_ledger_whole(
    ledger_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = file._connect

    def on_a_full_disk(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
        connection = connect(path, mode, wait_s)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(file, "_connect", on_a_full_disk)
    ledger = EmbeddedLedger(ledger_path)
    anchored: list[int] = []
    with pytest.raises(DiskFullError):
        anchored.extend(ledger.anchor(word(f"fill {each}"), root=ROOT, count=1).block for each in range(20))
    monkeypatch.undo()
    ledger.check()
    refused = word(f"fill {len(anchored)}")
    assert ledger.find(refused) is None
    assert ledger.anchor(refused, root=ROOT, count=1).block == len(anchored) + 3
