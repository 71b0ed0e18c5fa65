"""How numbers are written for a reader."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "\N{EN DASH}"
"""Where there is no number to write."""

_MINUTE, _HOUR = 60, 3600
_SPACE = "\N{NO-BREAK SPACE}"
_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def count(number: int) -> str:
    """`1,234,567`."""
    return f"{number:,}"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent; nothing is rounded to 0 or to 100 that is neither."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 0 < percent < 0.1:  # noqa: PLR2004 - what one decimal can say
        return f"<{_SPACE}0.1{_SPACE}%"
    if 99.9 < percent < 100:  # noqa: PLR2004 - as above
        return f">{_SPACE}99.9{_SPACE}%"
    return f"{percent:.0f}{_SPACE}%" if percent in (0, 100) else f"{percent:.1f}{_SPACE}%"


def compact(number: int) -> str:
    """A short form for an axis: `950`, `1.5k`, `2M`."""
    for unit, letter in _UNITS:
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return str(number)


def decimal(number: float) -> str:
    """About three significant digits, never an exponent: `0.042`, `3.14`, `97.3`, `1,234`."""
    if number >= 100:  # noqa: PLR2004 - from here on decimals say nothing
        return f"{number:,.0f}"
    if not number:
        return "0"
    places = next((places for places, least in enumerate((10, 1, 0.1), start=1) if number >= least), 4)
    return f"{number:.{places}f}"


def column(numbers: Sequence[float]) -> list[str]:
    """Numbers that stand below one another, with as many decimals each; the largest decides how many."""
    places = max(0, 4 - len(f"{max(numbers, default=0):.0f}"))
    least = 10**-places
    return [f"<{_SPACE}{least:g}" if 0 < number < least / 2 else f"{number:,.{places}f}" for number in numbers]


def probability(number: float) -> str:
    """Three decimals, but never a certainty that is none: `> 0.999`."""
    if 0 < number < 0.001:  # noqa: PLR2004 - what three decimals can say
        return f"<{_SPACE}0.001"
    return f">{_SPACE}0.999" if 0.999 < number < 1 else f"{number:.3f}"  # noqa: PLR2004 - as above


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 5 s` or `2 h 51 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f}{_SPACE}s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}{_SPACE}min {whole % _MINUTE}{_SPACE}s"
    return f"{count(whole // _HOUR)}{_SPACE}h {whole % _HOUR // _MINUTE}{_SPACE}min"


def instant(text: str) -> str:
    """An ISO 8601 time as `2026-11-23 15:04:05 UTC`; one without a zone is taken for UTC.

    Raises:
        ValueError: It is no such time.
    """
    moment = datetime.fromisoformat(text)
    return _utc(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


def epoch(seconds: int) -> str:
    """Seconds since 1970 as `2026-11-23 15:04:05 UTC`."""
    return _utc(datetime.fromtimestamp(seconds, UTC))


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
