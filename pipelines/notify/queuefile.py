"""`KEYS/notices/JOB.sqlite`: the file of a queue, and what SQLite says of it.

It lies in the key store because it tells which records were flagged. It holds no identity and no record: those are
opened anew from the sealed shard when a notice is sent.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder
from sievert.errors import DeliveryError, DiskFullError, KeyStoreError, PermissionDeniedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "notices"
BUSY_S = 30.0
_PRIMARY = 0xFF
_DENIED = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS shard (
  number INTEGER PRIMARY KEY, told INTEGER NOT NULL, erased INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS notice (
  id TEXT PRIMARY KEY, record TEXT NOT NULL, shard INTEGER NOT NULL, place INTEGER NOT NULL, urgency INTEGER NOT NULL,
  issued TEXT NOT NULL, told_from REAL NOT NULL, acknowledged TEXT, escalated INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS delivery (
  notice TEXT NOT NULL REFERENCES notice (id), stage TEXT NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, first_at REAL, sent_at TEXT, problem TEXT,
  PRIMARY KEY (notice, stage, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due ON delivery (channel, state, next_at);
CREATE INDEX IF NOT EXISTS place ON notice (shard, place);
CREATE INDEX IF NOT EXISTS unanswered ON notice (urgency, told_from) WHERE acknowledged IS NULL AND escalated = 0;
"""


def queue_place(keys: Path, job: str) -> Path:
    """Where the queue of a job lies in a key store."""
    return keys / FOLDER / f"{job}.sqlite"


def open_queue_file(file: Path) -> sqlite3.Connection:
    """Open a queue, or make it: mode 0600, each change on the disk before the next thing happens.

    Raises:
        StorageError: And its kinds.
        KeyStoreError: The file is damaged.
    """
    with disk_errors("the queue of notices could not be made"):
        file.parent.mkdir(exist_ok=True, mode=0o700)
        if not file.exists():
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            sync_folder(file.parent)
            sync_folder(file.parent.parent)
    with queue_errors():
        rows = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
            rows.execute(f"PRAGMA {pragma}")
        rows.executescript(_SCHEMA)
        return rows


@contextmanager
def queue_errors() -> Iterator[None]:
    """Raise our errors in place of SQLite's.

    Raises:
        DiskFullError: No space is left.
        PermissionDeniedError: The file or its folder may not be used so.
        DeliveryError: Another process holds it for too long.
        StorageError: The disk failed.
        KeyStoreError: Anything else: damaged.
    """
    try:
        yield
    except sqlite3.Error as fault:
        raise _told(getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY) from fault


def _told(code: int) -> DiskFullError | PermissionDeniedError | DeliveryError | StorageError | KeyStoreError:
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError("no space is left for the queue of notices")
    if code in _DENIED:
        return PermissionDeniedError("the queue of notices may not be used by this account")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return DeliveryError("another process holds the queue of notices for too long")
    if code == sqlite3.SQLITE_IOERR:
        return StorageError("reading or writing the queue of notices failed")
    return KeyStoreError(
        "the queue of notices is damaged",
        remedy="Move the job's file out of the key store's folder `notices`: then all is told anew under the same ids.",
    )
