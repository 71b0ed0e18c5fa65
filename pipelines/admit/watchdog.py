"""Ends the process where one input takes too long: native code that holds the lock can be stopped in no other way."""

from __future__ import annotations

import faulthandler
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End this process with exit code 1 if what runs inside takes longer.

    The thread that watches is faulthandler's, in C, so it needs no interpreter lock. Whoever holds the journal finds
    the input by it, as one on which a decoder died.

    Args:
        seconds: Above 0.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_nowhere())
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@cache
def _nowhere() -> TextIO:
    """Where the traceback goes that faulthandler wants to write: names of files may stand in it."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open as long as the process
