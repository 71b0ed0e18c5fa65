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

    The system's alarm does it, which needs no interpreter lock and costs a microsecond; where the process blocks that
    signal, or has a use of its own for it, a thread of faulthandler's does, which costs a hundred times as much.
    Whoever holds the journal finds the input by it, as one on which a decoder died.

    Args:
        seconds: Above 0.
    """
    by_alarm = _may_take_the_alarm()
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


def _may_take_the_alarm() -> bool:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return signal.SIGALRM not in blocked and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@cache
def _nowhere() -> int:
    """Where the traceback goes that faulthandler wants to write: names of files may stand in it."""
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
