"""Whether this machine's clock is wrong, by what a server says of the time."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sievert.errors import ClockError, SievertError

WRONG_S = 120.0
"""Tokens and certificates are made with less tolerance than this."""
_BY_THE_CLOCK = ("certificate has expired", "certificate is not yet valid")


def skew_s(date: str | None, now: datetime | None = None) -> float:
    """How far ahead this machine's clock is.

    Args:
        date: The header `Date` of an answer (RFC 9110, 6.6.1).
        now: Instead of the clock's time.
    """
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return 0.0
    return ((now or datetime.now(UTC)) - theirs).total_seconds()


def or_clock(error: SievertError, date: str | None) -> SievertError:
    """The error, or that the clock is wrong, which explains it."""
    wrong = skew_s(date)
    if abs(wrong) < WRONG_S:
        return error
    way = "ahead" if wrong > 0 else "behind"
    return ClockError(f"this machine's clock is {abs(wrong) / 60:.0f} minutes {way} of the cluster's: {error.message}")


def certificate_error(text: str) -> SievertError | None:
    """What a TLS library's words mean, where they are about time."""
    found = next((words for words in _BY_THE_CLOCK if words in text), None)
    return ClockError(f"by this machine's clock, the cluster's {found}") if found else None
