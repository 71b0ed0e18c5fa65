"""When is what: the time, quiet hours, waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.notify.backoff import Backoff
from pipelines.notify.quiet import QuietHours

if TYPE_CHECKING:
    from collections.abc import Callable

    from sievert.settings import NotifySettings


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """What a notifier goes by: quiet hours, waits after failures, and the clock."""

    quiet: QuietHours
    backoff: Backoff
    clock: Callable[[], datetime] = utc_now

    @classmethod
    def of(cls, settings: NotifySettings, clock: Callable[[], datetime] = utc_now) -> Timing:
        """As the settings say."""
        return cls(QuietHours(settings), Backoff(settings), clock)
