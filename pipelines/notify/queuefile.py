"""`KEYS/notices/JOB.sqlite`: the file of a queue, and what SQLite says of it.

It lies in the key store because it tells which records were flagged. It holds no identity and no record: those are
opened anew from the sealed shard when a notice is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.privatefile import make_private, open_private, private_errors
from sievert.errors import DeliveryError, KeyStoreError

if TYPE_CHECKING:
    import sqlite3
    from contextlib import AbstractContextManager
    from pathlib import Path

FOLDER = "notices"
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
        if make_private(file):
            sync_folder(file.parent.parent)
    with queue_errors():
        return open_private(file, _SCHEMA)


def queue_errors() -> AbstractContextManager[None]:
    """Raise our errors in place of SQLite's.

    Raises:
        DiskFullError: No space is left.
        PermissionDeniedError: The file or its folder may not be used so.
        DeliveryError: Another process holds it for too long.
        StorageError: The disk failed.
        KeyStoreError: Anything else: damaged.
    """
    damaged = KeyStoreError(
        "the queue of notices is damaged",
        remedy="Move the job's file out of the key store's folder `notices`: then all is told anew under the same ids.",
    )
    return private_errors("the queue of notices", damaged=damaged, busy=DeliveryError)
