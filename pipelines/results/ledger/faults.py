"""Translates what SQLite and the system say about the ledger's file into our own errors."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sievert.errors import DiskFullError, LedgerError, PermissionDeniedError, SievertError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PRIMARY = 0xFF
"""SQLite's extended result codes keep the primary one in their low byte (sqlite.org/rescode.html)."""

_DENIED_CODES = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH}
_HELD_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DENIED_ERRNOS = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise our errors in place of SQLite's and the system's.

    Args:
        path: The ledger's file, to tell a file that may not be opened from one that cannot be.

    Raises:
        DiskFullError: No space is left.
        PermissionDeniedError: The file or its folder may not be used so.
        StorageError: The disk failed.
        LedgerError: Anything else: held by another process, no ledger, damaged.
    """
    try:
        yield
    except sqlite3.Error as fault:
        raise _of_sqlite(fault, path) from fault
    except UnicodeDecodeError as fault:
        # What sqlite3 raises instead of its error where the message quotes damaged bytes.
        raise _damaged() from fault
    except OSError as fault:
        raise _of_system(fault) from fault


def _of_sqlite(fault: sqlite3.Error, path: Path) -> SievertError:
    code = getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    primary = code & _PRIMARY
    # SQLite's own reading of IOERR_SHMSIZE: the file beside the ledger could not grow, the disk is likely full.
    if primary == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return _full()
    if primary in _DENIED_CODES or (primary == sqlite3.SQLITE_CANTOPEN and not _usable(path)):
        return _denied()
    if primary in _HELD_CODES:
        return LedgerError(
            "Another process holds the ledger for too long.",
            remedy="Wait for it to end, then run the same command again.",
        )
    # Reading a folder fails like a bad disk does.
    return _failed() if primary == sqlite3.SQLITE_IOERR and path.is_file() else _damaged()


def _of_system(fault: OSError) -> SievertError:
    if fault.errno in _FULL_ERRNOS:
        return _full()
    if fault.errno in _DENIED_ERRNOS:
        return _denied()
    return _failed()


def _usable(path: Path) -> bool:
    # SQLite keeps its write-ahead log beside the file, so the folder counts too.
    mode = os.R_OK | os.W_OK
    return all(os.access(place, mode, effective_ids=True) for place in (path, path.parent))


def _full() -> SievertError:
    return DiskFullError("No space is left for the ledger.")


def _denied() -> SievertError:
    return PermissionDeniedError("The ledger's file or its folder may not be used by this account.")


def _failed() -> SievertError:
    return StorageError("Reading or writing the ledger failed.")


def _damaged() -> SievertError:
    return LedgerError("The ledger's file is damaged, or is no ledger.")
