"""Work that is done again and again on a thread of its own, until it is ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 2.0


class Repeating:
    """Calls something every two seconds.

    Args:
        work: Called; must not raise.
        name: Of the thread.
    """

    def __init__(self, work: Callable[[], object], *, name: str) -> None:
        self._work, self._done = work, threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; the first call comes after two seconds."""
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait for a call that is being made."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(EVERY_S):
            self._work()
