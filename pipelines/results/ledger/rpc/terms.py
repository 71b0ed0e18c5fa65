"""How long the chain is waited for, and how much is paid at most."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sievert.errors import LedgerUnavailableError


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a transaction.

    Attributes:
        confirmations: Blocks from the one that holds the transaction on, itself counted, until it is final.
        max_fee: The most that is paid, wei a gas.
        wait_s: How long is waited for the end.
        bump_after_s: When a transaction that no block takes is replaced by one that offers more.
        poll_s: Pause between two questions.
    """

    confirmations: int
    max_fee: int
    wait_s: float
    bump_after_s: float
    poll_s: float = 1.0


class Deadline:
    """Counts down from when it is made."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._end = time.monotonic() + terms.wait_s

    @property
    def left_s(self) -> float:
        """Seconds until the end; never below 0."""
        return max(0.0, self._end - time.monotonic())

    def pause(self) -> None:
        """Wait before the next question.

        Raises:
            LedgerUnavailableError: The time is up.
        """
        if not self.left_s:
            raise LedgerUnavailableError(
                f"the chain has not taken the transaction for good within {self._terms.wait_s:g} s"
            )
        time.sleep(min(self._terms.poll_s, self.left_s))
