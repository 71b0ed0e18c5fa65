"""`STATE/reviews.sqlite`: the file of the reviews, and what SQLite says of it.

A row is one entry of a case's history. Who said what, why and of whom is sealed under a key of the site's identity key;
in clear are the job, our record id, the place in the history and the time. A keyed hash tells whose case it is, so that
an erased patient's entries can be emptied without opening one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder
from sievert.errors import DiskFullError, IntegrityError, PermissionDeniedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sievert.errors import SievertError

FILE = "reviews.sqlite"
BUSY_S = 30.0
_PRIMARY = 0xFF
_DENIED = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, record TEXT NOT NULL, version INTEGER NOT NULL,
  at TEXT NOT NULL, mark TEXT NOT NULL, sealed BLOB, UNIQUE (job, record, version)
) STRICT;
CREATE INDEX IF NOT EXISTS whose ON entry (job, mark);
"""


def open_review_file(folder: Path) -> sqlite3.Connection:
    """Open the file, or make it: folder mode 0700, file 0600, each change on the disk before the next thing happens.

    Raises:
        StorageError: And its kinds.
        IntegrityError: The file is damaged.
    """
    file = folder / FILE
    with disk_errors("the reviews could not be kept"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            sync_folder(folder)
    with review_errors():
        rows = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            rows.execute(f"PRAGMA {pragma}")
        rows.executescript(_SCHEMA)
        return rows


@contextmanager
def review_errors() -> Iterator[None]:
    """Raise our errors in place of SQLite's.

    Raises:
        StorageError: And its kinds: no space, not permitted, held for too long, or the disk failed.
        IntegrityError: Anything else: damaged.
    """
    try:
        yield
    except sqlite3.Error as fault:
        raise _told(getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY) from fault


def _told(code: int) -> SievertError:
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError("no space is left for the reviews")
    if code in _DENIED:
        return PermissionDeniedError("the reviews may not be used by this account")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageError("another process holds the reviews for too long")
    if code == sqlite3.SQLITE_IOERR:
        return StorageError("reading or writing the reviews failed")
    return IntegrityError("the file of the reviews is damaged", remedy="Restore it from a copy of the state folder.")
