"""`STATE/reviews.sqlite`: the file of the reviews, and what SQLite says of it.

A row is one entry of a case's history. Who said what, why and of whom is sealed under a key of the site's identity key;
in clear are the job, our record id, the place in the history and the time. A keyed hash tells whose case it is, so that
an erased patient's entries can be emptied without opening one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from pipelines.results.privatefile import make_private, open_private, private_errors
from sievert.errors import IntegrityError

if TYPE_CHECKING:
    import sqlite3
    from contextlib import AbstractContextManager
    from pathlib import Path

FILE = "reviews.sqlite"
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
        make_private(file)
    with review_errors():
        return open_private(file, _SCHEMA)


def review_errors() -> AbstractContextManager[None]:
    """Raise our errors in place of SQLite's.

    Raises:
        StorageError: And its kinds: no space, not permitted, held for too long, or the disk failed.
        IntegrityError: Anything else: damaged.
    """
    remedy = "Restore it from a copy of the state folder."
    return private_errors("the reviews", damaged=IntegrityError("the file of the reviews is damaged", remedy=remedy))
