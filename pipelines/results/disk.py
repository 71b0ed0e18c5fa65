"""Writes files that are there whole or not at all, and translates what the disk says."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from sievert.errors import DiskFullError, PermissionDeniedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn the system's errors into ours.

    Args:
        doing: What was being done, for the reader: "the results could not be written".

    Raises:
        DiskFullError: No space, or over quota.
        PermissionDeniedError: Not allowed, or a read-only disk.
        StorageError: Anything else.
    """
    try:
        yield
    except OSError as error:
        kind = (
            DiskFullError if error.errno in _FULL else PermissionDeniedError if error.errno in _DENIED else StorageError
        )
        told = os.strerror(error.errno) if error.errno else type(error).__name__  # pyarrow's own text may hold a path
        raise kind(f"{doing}: {told}") from error


def write_whole(file: Path, content: bytes, *, drafts: Path, mode: int = 0o644) -> None:
    """Replace a file by new content; a reader, or a crash, sees the old or the new one.

    Args:
        file: To be replaced.
        content: All of it.
        drafts: A folder on the same disk where a crash may leave a draft behind.
        mode: Who may read it, from the first byte on.

    Raises:
        StorageError: And its kinds, see `disk_errors`.
    """
    with disk_errors(f"{file.name} could not be written"):
        draft = drafts / f"{file.name}.{uuid4().hex}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as written:
                written.write(content)
            sync_file(draft)
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(file.parent)


def create_once(draft: Path, file: Path) -> bool:
    """Give a finished draft its final name if nobody has; the draft's own name goes either way.

    Returns:
        Whether this draft won; if not, `file` is another attempt's and stays as it is.

    Raises:
        StorageError: And its kinds, see `disk_errors`.
    """
    with disk_errors(f"{file.name} could not be created"):
        sync_file(draft)
        try:
            os.link(draft, file)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(file.parent)
        return True


def sync_file(file: Path) -> None:
    """Have the disk hold what was written."""
    with file.open("rb") as written:
        os.fsync(written.fileno())


def sync_folder(folder: Path) -> None:
    """Have the disk hold the folder's entries."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
