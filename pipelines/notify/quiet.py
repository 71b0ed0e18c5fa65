"""Hours in which people are left alone, by the clock on their wall: over midnight, and when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines.notify.notice import RANKS, Urgency

if TYPE_CHECKING:
    from sievert.settings import NotifySettings


class QuietHours:
    """The quiet hours of the settings.

    They run from one moment to another: where a change of clocks repeats or skips an hour, they begin and end once.

    Args:
        settings: The branch.
    """

    def __init__(self, settings: NotifySettings) -> None:
        start, _, end = (settings.quiet_hours or "").partition("-")
        self._span = (time.fromisoformat(start), time.fromisoformat(end)) if settings.quiet_hours else None
        self._zone = ZoneInfo(settings.time_zone)
        self._below = min(RANKS[Urgency(settings.quiet_below)], RANKS[Urgency.STAT])

    def end(self, now: datetime) -> datetime | None:
        """When the quiet hours end that it is now, UTC; None outside of them.

        Args:
            now: With a time zone.
        """
        if self._span is None:
            return None
        today = now.astimezone(self._zone).date()
        for day in (today - timedelta(days=1), today):
            start, end = (datetime.combine(day, each, self._zone) for each in self._span)
            if self._span[1] <= self._span[0]:
                end = datetime.combine(day + timedelta(days=1), self._span[1], self._zone)
            if start.astimezone(UTC) <= now.astimezone(UTC) < end.astimezone(UTC):
                return end.astimezone(UTC)
        return None

    def least_urgent(self, now: datetime) -> int:
        """Rank of the least urgent notice that a person may be told now."""
        return 0 if self.end(now) is None else self._below

    def told_from(self, now: datetime, urgency: Urgency) -> datetime:
        """When a notice that comes up now reaches a person."""
        end = self.end(now)
        return now if end is None or RANKS[urgency] >= self._below else end
