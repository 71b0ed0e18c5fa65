"""Ends the process where one input takes too long: native code that holds the lock can be stopped in no other way."""

from __future__ import annotations

import faulthandler
import os
import signal
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End this process if what runs inside takes longer.

    The system's alarm does it, which needs no interpreter lock and costs a microsecond; where the process has a use of
    its own for that signal, a thread of faulthandler's does, which costs a hundred times as much. Whoever holds the
    journal finds the input by it, as one on which a decoder died.

    Args:
        seconds: Above 0.
    """
    by_alarm = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    if by_alarm:
        signal.setitimer(signal.ITIMER_REAL, seconds)
    else:
        faulthandler.dump_traceback_later(seconds, exit=True, file=_nowhere())
    try:
        yield
    finally:
        if by_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
        else:
            faulthandler.cancel_dump_traceback_later()


@cache
def _nowhere() -> int:
    """Where the traceback goes that faulthandler wants to write: names of files may stand in it."""
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
