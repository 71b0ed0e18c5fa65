"""A channel's thread: a receiver that is slow, or away, holds up no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.notify.sending import Sender


class Run:
    """A sender and its thread, which does not hold up the process's end: what it was sending then is sent anew."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, stop: threading.Event) -> None:
        """Begin a pass, unless it is still at work in the last one.

        Raises:
            SievertError: What the last pass ended with.
        """
        if not self.is_busy:
            self._raise()
            self._thread = threading.Thread(target=self._work, args=(stop,), name=self.sender.route.name, daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the pass's end, so many seconds at most.

        Raises:
            SievertError: What it ended with.
        """
        if self._thread is not None:
            self._thread.join(seconds)
        if not self.is_busy:
            self._raise()

    def _work(self, stop: threading.Event) -> None:
        try:
            self.sender.run(stop)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
