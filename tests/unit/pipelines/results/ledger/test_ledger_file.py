from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger, file
from sievert.errors import DiskFullError, LedgerError, PermissionDeniedError, SievertError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.results.ledger.store import Store

pytest_plugins = ["ledger_fixtures"]

JOB, ROOT, NOBODY = word("job"), word("root"), 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may do everything, so become somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


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


@pytest.mark.parametrize("mode", [0o000, 0o400], ids=["unreadable", "read-only"])
def test_a_file_of_another_account_is_told_as_such(open_folder: Path, laid_ledger: Path, mode: int) -> None:
    path = open_folder / "ledger.sqlite"
    path.write_bytes(laid_ledger.read_bytes())
    path.chmod(mode)
    with unprivileged(), pytest.raises(PermissionDeniedError):
        EmbeddedLedger(path).anchor(word("new"), root=ROOT, count=1)


def test_an_unreadable_ledger_is_told_as_such_to_a_reader(open_folder: Path, laid_ledger: Path) -> None:
    path = open_folder / "ledger.sqlite"
    path.write_bytes(laid_ledger.read_bytes())
    path.chmod(0)
    with unprivileged(), pytest.raises(PermissionDeniedError):
        EmbeddedLedger(path).find(JOB)


def test_a_folder_that_may_not_be_entered_or_written_is_told_as_such(open_folder: Path) -> None:
    (open_folder / "closed").mkdir(mode=0o000)
    (open_folder / "closed").chmod(0o000)
    open_folder.chmod(0o555)
    with unprivileged():
        with pytest.raises(PermissionDeniedError):
            EmbeddedLedger(open_folder / "closed" / "ledger.sqlite").find(JOB)
        with pytest.raises(PermissionDeniedError):
            EmbeddedLedger(open_folder / "ledger.sqlite").anchor(JOB, root=ROOT, count=1)
    open_folder.chmod(0o755)


def test_a_ledger_is_read_where_nothing_may_be_written(open_folder: Path, laid_ledger: Path) -> None:
    path = open_folder / "ledger.sqlite"
    path.write_bytes(laid_ledger.read_bytes())
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with unprivileged():
        found = EmbeddedLedger(path).find(JOB)
    open_folder.chmod(0o755)
    assert found == EmbeddedLedger(laid_ledger).find(JOB)


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB)")
        connection.commit()


def later_format(path: Path) -> None:
    file.create_file(path, put)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")


NO_LEDGERS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"no ledger at all\n" * 500),
    "noise": lambda path: path.write_bytes(os.urandom(9000)),
    "folder": lambda path: path.mkdir(),
    "no chain": lambda path: file.create_file(path, put),
    "other database": foreign_database,
    "later format": later_format,
}


@pytest.mark.parametrize("make", NO_LEDGERS.values(), ids=NO_LEDGERS)
def test_a_file_that_is_no_ledger_of_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "ledger.sqlite"
    make(path)
    before = path.is_file() and path.read_bytes()
    ledger = EmbeddedLedger(path)
    with pytest.raises(LedgerError):
        ledger.check()
    with pytest.raises(LedgerError):
        ledger.find(JOB)
    with pytest.raises(LedgerError):
        ledger.anchor(JOB, root=ROOT, count=1)
    assert (path.is_file() and path.read_bytes()) == before


def test_a_cut_ledger_is_refused(ledger_path: Path) -> None:
    whole = ledger_path.read_bytes()
    for kept in (100, 4096, len(whole) // 2, len(whole) - 4096):
        ledger_path.write_bytes(whole[:kept])
        with pytest.raises(LedgerError):
            EmbeddedLedger(ledger_path).check()


def test_a_flipped_byte_never_gives_another_answer(ledger_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "_LOOK_AGAIN_S", 0.0)
    ledger, whole = EmbeddedLedger(ledger_path), ledger_path.read_bytes()
    answers = {ledger.find(JOB)}
    refused = 0
    for place in range(16, len(whole), len(whole) // 150):
        ledger_path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            answers.add(ledger.find(JOB))
        except SievertError as error:
            assert isinstance(error, LedgerError), place  # noqa: PT017 - any of our other errors is the failure
            refused += 1
    assert len(answers) == 1
    assert refused > 10
