"""A SQLite file that is its owner's alone: how it is opened, changed, and what is said where SQLite fails."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.results.disk import sync_folder
from sievert.errors import DiskFullError, PermissionDeniedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sievert.errors import SievertError

BUSY_S = 30.0
_PRIMARY = 0xFF
_DENIED = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN}
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON")


def make_private(file: Path) -> bool:
    """Make the file with mode 0600 where it is missing; returns whether it was. Its folder is there.

    Raises:
        OSError: As the system says it.
    """
    if file.exists():
        return False
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    sync_folder(file.parent)
    return True


def open_private(file: Path, schema: str) -> sqlite3.Connection:
    """Open it: each change is on the disk before the next thing happens, and what is deleted is overwritten.

    Args:
        file: It is there.
        schema: Statements that change nothing where all is there already.

    Raises:
        sqlite3.Error: See `private_errors`.
    """
    rows = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
    for pragma in _PRAGMAS:
        rows.execute(f"PRAGMA {pragma}")
    rows.executescript(schema)
    return rows


@contextmanager
def private_errors(what: str, *, damaged: SievertError, busy: type[SievertError] = StorageError) -> Iterator[None]:
    """Raise our errors in place of SQLite's.

    Args:
        what: For the reader: "the reviews".
        damaged: Where it is nothing better known.
        busy: Kind of error where another process holds the file for too long.

    Raises:
        StorageError: And its kinds: no space, not permitted, or the disk failed.
        SievertError: One of those that were given.
    """
    try:
        yield
    except sqlite3.Error as fault:
        code = getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
        raise _told(code, what, busy) or damaged from fault


def _told(code: int, what: str, busy: type[SievertError]) -> SievertError | None:
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(f"no space is left for {what}")
    if code in _DENIED:
        return PermissionDeniedError(f"{what} may not be used by this account")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return busy(f"another process holds {what} for too long")
    return StorageError(f"reading or writing {what} failed") if code == sqlite3.SQLITE_IOERR else None


@contextmanager
def transaction(rows: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or nothing, and nobody else between."""
    rows.execute("BEGIN IMMEDIATE")
    try:
        yield rows
    except BaseException:
        rows.execute("ROLLBACK")
        raise
    rows.execute("COMMIT")
