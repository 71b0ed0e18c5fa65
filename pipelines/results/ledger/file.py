"""The ledger's file: one SQLite database, one SQLite transaction a block.

Every write happens between BEGIN IMMEDIATE and COMMIT, so a process that dies at any line, or a machine that
loses its power, leaves the chain at a whole block. Writers wait for one another; readers of a file that
nobody is writing take no lock and leave no trace, so they work on a read-only disk.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipelines.results.disk import sync_folder
from pipelines.results.ledger.faults import translated
from pipelines.results.ledger.store import Store
from sievert.errors import LedgerError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

APPLICATION_ID = 0x53565254
"""`SVRT`, in the file's header at offset 68 (sqlite.org/fileformat.html)."""

FORMAT_VERSION = 1
_TABLE = "CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
_WITHOUT_LOCKS = "mode=ro&immutable=1"
_LOOKS = 3
_LOOK_AGAIN_S = 0.05
_READ_WAIT_S = 5.0

T = TypeVar("T")


def read_file(path: Path, ask: Callable[[Store], T]) -> T:
    """Answer a question from the file as it stood at one moment; writes nothing.

    Raises:
        LedgerError: The file is damaged, or is no ledger of ours, or `ask` says so.
        PermissionDeniedError: It may not be read.
    """
    path = path.resolve()
    for _ in range(_LOOKS - 1):
        if not _at_rest(path):
            return _read(path, ask, "mode=ro")
        # A writer that comes later may fold its log into the file while it is read without locks. As every
        # row proves itself, that can make reading fail, but never answer wrongly: look again.
        with suppress(LedgerError):
            return _read(path, ask, _WITHOUT_LOCKS)
        time.sleep(_LOOK_AGAIN_S)
    return _read(path, ask, _WITHOUT_LOCKS if _at_rest(path) else "mode=ro")


def write_file(path: Path, act: Callable[[Store], T], *, wait_s: float) -> T:
    """Change the file in one transaction: all that `act` writes, or nothing where it raises.

    Args:
        path: An existing ledger.
        act: Reads and writes the store; no other process writes meanwhile.
        wait_s: How long other writers are waited for.

    Raises:
        LedgerError: As for reading, or other processes held the file for longer than `wait_s`.
        PermissionDeniedError: It may not be written.
        DiskFullError: No space is left.
    """
    path = path.resolve()
    with translated(path), closing(_connect(path, "mode=rw", wait_s)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        _require_ours(connection)
        result = act(Store(connection))
        connection.execute("COMMIT")
        return result


def create_file(path: Path, fill: Callable[[Store], None]) -> None:
    """Make the file, whole or not at all, readable by its owner only; an existing one is left alone.

    Args:
        path: Where; missing folders are made.
        fill: Writes the first entries. Its work is lost where another process was first.

    Raises:
        PermissionDeniedError: The folder may not be written.
        DiskFullError: No space is left.
        StorageError: The folder cannot hold a ledger.
    """
    path = path.resolve()
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            draft = Path(folder) / "draft"
            # The chain's key will be in it, so its mode is narrow from its first moment; SQLite gives the log
            # and the index beside it the same mode.
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _fill_draft(draft, fill)
            with suppress(FileExistsError):
                os.link(draft, path)
        sync_folder(path.parent)


def _fill_draft(draft: Path, fill: Callable[[Store], None]) -> None:
    with closing(_connect(draft, "mode=rw", 0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        fill(Store(connection))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.execute("COMMIT")
        if connection.execute("PRAGMA journal_mode = WAL").fetchone() != (b"wal",):
            raise StorageError("The ledger's folder is on a disk without the shared memory that it needs.")


def _read(path: Path, ask: Callable[[Store], T], mode: str) -> T:
    with translated(path), closing(_connect(path, mode, _READ_WAIT_S)) as connection:
        connection.execute("BEGIN")
        _require_ours(connection)
        return ask(Store(connection))


def _at_rest(path: Path) -> bool:
    """Whether all committed blocks are in the file itself, none in a log beside it."""
    logs = [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]
    with translated(path):
        return not any(log.exists() and log.stat().st_size for log in logs)


def _connect(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=wait_s, isolation_level=None)
    # A damaged row may claim to be text; as bytes it reaches the digest that refuses it.
    connection.text_factory = bytes
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _require_ours(connection: sqlite3.Connection) -> None:
    application, version = (
        connection.execute(f"PRAGMA {mark}").fetchone()[0] for mark in ("application_id", "user_version")
    )
    if application != APPLICATION_ID:
        raise LedgerError("The file is no ledger of ours.")
    if version != FORMAT_VERSION:
        raise LedgerError("The ledger has a format that this release of Sievert does not know.")
