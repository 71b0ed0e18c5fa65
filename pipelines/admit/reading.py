"""Reads one planned input whole, without ever waiting on what is no file."""

from __future__ import annotations

import os
import stat

from sievert.records import Reason, Refusal


def read_source(source: str, *, max_bytes: int) -> bytes | Refusal:
    """The content of a planned input, or why there is none.

    Args:
        source: Path of the file.
        max_bytes: Larger files are refused unread.
    """
    try:
        # O_NONBLOCK: opening a named pipe must not wait for a writer
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return Refusal(Reason.FORMAT_UNREADABLE, _kind(error))
    try:
        return _content(descriptor, max_bytes) or Refusal(Reason.FORMAT_EMPTY)
    except OSError as error:
        return Refusal(Reason.FORMAT_UNREADABLE, _kind(error))
    finally:
        os.close(descriptor)


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
