"""Reads one planned input whole, without ever waiting on what is no file."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from pipelines.admit.niftipairs import is_header, is_of_a_pair, join, other_half
from pipelines.places.archives import DamagedArchiveError, read_member
from pipelines.places.names import is_url, split_member
from pipelines.places.remote import read_remote
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_LARGER = "The file is larger than the policy's limit."


def read_source(source: str, *, max_bytes: int) -> bytes | Refusal:
    """The content of a planned input, or why there is none.

    Args:
        source: Path of a file, `ARCHIVE//MEMBER`, or a URL (`pipelines/places/names.py`).
        max_bytes: Larger ones are refused.

    Raises:
        StorageError: An object store does not answer, which is no fault of this one input.
    """
    try:
        content = _read(source, max_bytes)
    except DamagedArchiveError:
        return Refusal(Reason.FORMAT_UNREADABLE, "The archive, or this member of it, is damaged or encrypted.")
    except (OSError, ValueError) as error:
        return Refusal(Reason.FORMAT_UNREADABLE, _kind(error))
    return content or Refusal(Reason.FORMAT_EMPTY)


def _read(source: str, max_bytes: int) -> bytes | Refusal:
    if is_url(source):
        return _capped(read_remote(source, most=max_bytes + 1), max_bytes)
    if member := split_member(source):
        return _capped(read_member(*member, most=max_bytes + 1), max_bytes)
    content = _read_file(source, max_bytes)
    other = other_half(source)
    return content if other is None or isinstance(content, Refusal) else _with_other(content, source, other, max_bytes)


def _read_file(source: str, max_bytes: int) -> bytes | Refusal:
    descriptor = _open(source)
    try:
        return _content(descriptor, max_bytes)
    finally:
        os.close(descriptor)


def _with_other(content: bytes, source: str, other: str, max_bytes: int) -> bytes | Refusal:
    """Both files of a NIfTI pair as one, under the header's name; what is no pair stays as it is."""
    try:
        second = _read_file(other, max_bytes)
    except OSError:
        return content
    if is_header(source) and is_of_a_pair(content):
        return second if isinstance(second, Refusal) else _capped(join(content, second), max_bytes)
    if not is_header(source) and isinstance(second, bytes) and is_of_a_pair(second):
        return Refusal(Reason.FORMAT_NO_PIXELS, "It is the voxels of a NIfTI pair, which is read by its header.")
    return content


def _capped(content: bytes, most: int) -> bytes | Refusal:
    return Refusal(Reason.FORMAT_TOO_LARGE, _LARGER) if len(content) > most else content


def read_beginning(source: str, read: Callable[[BinaryIO], T], *, max_bytes: int) -> T | Refusal:
    """What `read` makes of a planned input, which it need not read to its end.

    Args:
        source: As for `read_source`.
        read: Given the file, open; may raise OSError.
        max_bytes: Larger members of archives, and larger objects, are refused; files are read as far as needed.
    """
    if is_url(source) or split_member(source):
        content = read_source(source, max_bytes=max_bytes)
        return content if isinstance(content, Refusal) else read(io.BytesIO(content))
    try:
        with os.fdopen(_open(source), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Refusal(Reason.FORMAT_UNREADABLE, "It is not a regular file.")
            return read(file)
    except (OSError, ValueError) as error:
        return Refusal(Reason.FORMAT_UNREADABLE, _kind(error))


def _open(source: str) -> int:
    """O_NONBLOCK: opening a named pipe must not wait for a writer."""
    return os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _content(descriptor: int, max_bytes: int) -> bytes | Refusal:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return Refusal(Reason.FORMAT_UNREADABLE, "It is not a regular file.")
    if status.st_size > max_bytes:
        return Refusal(Reason.FORMAT_TOO_LARGE, _LARGER)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read(max_bytes)


def _kind(error: Exception) -> str:
    """The system's word for it, which holds no path."""
    return f"The system says: {error.strerror}." if isinstance(error, OSError) and error.strerror else ""
