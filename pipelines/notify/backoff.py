"""How long is waited before a notice is tried again, and when it is given up."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sievert.settings import NotifySettings

LONGEST_ASKED_S = 86_400.0
"""A receiver that asks for more than a day (`Retry-After`) is tried after a day."""
_MOST_DOUBLINGS = 40


class Backoff:
    """Waits that double, up to a longest one, each shortened by chance so that many senders do not come at once.

    Args:
        settings: The branch.
        chance: Draws from 0 to 1.
    """

    def __init__(self, settings: NotifySettings, chance: Callable[[], float] = random.random) -> None:
        self._first_s, self._longest_s = settings.first_retry_s, settings.longest_retry_s
        self._give_up_s, self._chance = settings.give_up_after_s, chance

    def wait_s(self, attempts: int, *, asked_s: float | None = None) -> float:
        """Seconds until the next attempt.

        Args:
            attempts: How many have failed, from 1.
            asked_s: What the receiver asked for.
        """
        most = min(self._first_s * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS), self._longest_s)
        drawn = most * (0.5 + self._chance() / 2)
        return max(drawn, min(asked_s or 0.0, LONGEST_ASKED_S))

    def gives_up(self, *, failing_s: float) -> bool:
        """Whether a notice that has failed for so many seconds is put aside."""
        return failing_s >= self._give_up_s
