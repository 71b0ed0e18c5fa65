"""Reads one planned input whole, without ever waiting on what is no file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def read_source(source: str, *, max_bytes: int) -> bytes | Refusal:
    """The content of a planned input, or why there is none.

    Args:
        source: Path of the file.
        max_bytes: Larger files are refused unread.
    """
    try:
        descriptor = _open(source)
    except (OSError, ValueError) as error:
        return Refusal(Reason.FORMAT_UNREADABLE, _kind(error))
    try:
        return _content(descriptor, max_bytes) or Refusal(Reason.FORMAT_EMPTY)
    except OSError as error:
        return Refusal(Reason.FORMAT_UNREADABLE, _kind(error))
    finally:
        os.close(descriptor)


def read_beginning(source: str, read: Callable[[BinaryIO], T]) -> T | Refusal:
    """What `read` makes of a planned input, which it need not read to its end.

    Args:
        source: Path of the file.
        read: Given the file, open; may raise OSError.
    """
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
        return Refusal(Reason.FORMAT_TOO_LARGE, "The file is larger than the policy's limit.")
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read(max_bytes)


def _kind(error: Exception) -> str:
    """The system's word for it, which holds no path."""
    return f"The system says: {error.strerror}." if isinstance(error, OSError) and error.strerror else ""
