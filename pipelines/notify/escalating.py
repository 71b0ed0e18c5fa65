"""Escalates what nobody acknowledged in time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipelines.notify.notice import Stage, Urgency
from pipelines.notify.route import Answering
from sievert.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipelines.notify.queue import Queue
    from pipelines.notify.route import Route
    from sievert.settings import EscalationDelays


class Escalation:
    """Watches over the notices of one job.

    Args:
        queue: The job's.
        routes: The channels; those that want escalations get them.
        delays: How long is waited, by urgency.
        acknowledged: Told which notices a receiver says were acknowledged, for the audit log.
    """

    def __init__(
        self,
        queue: Queue,
        routes: Sequence[Route],
        delays: EscalationDelays,
        *,
        acknowledged: Callable[[list[str]], None],
    ) -> None:
        self._queue, self._routes, self._acknowledged = queue, routes, acknowledged
        given = {urgency: getattr(delays, urgency.value) for urgency in Urgency}
        escalates = any(Stage.ESCALATED in route.stages for route in routes)
        self._delays: dict[Urgency, float] = {
            urgency: after_s for urgency, after_s in given.items() if after_s is not None and escalates
        }

    @property
    def open(self) -> int:
        """How many notices wait for somebody to acknowledge them, and will be escalated."""
        return self._queue.unanswered_count(list(self._delays))

    def run(self, now: datetime) -> None:
        """Queue the escalations that are due, after asking receivers that can be asked.

        Raises:
            SievertError: The queue or the audit log cannot be written.
        """
        for urgency, after_s in self._delays.items():
            late = self._queue.unanswered(urgency, until=now.timestamp() - after_s)
            if late:
                answered = self._ask(late, now)
                self._queue.escalate([one for one in late if one not in answered], self._routes, now=now)

    def _ask(self, late: Sequence[str], now: datetime) -> set[str]:
        answered: set[str] = set()
        for route in self._routes:
            if isinstance(route.channel, Answering):
                with suppress(DeliveryError):  # nobody can be asked: better one escalation too many
                    answered |= route.channel.acknowledged(late) & set(late)
        if answered:
            self._acknowledged(sorted(answered))
            self._queue.acknowledge(sorted(answered), now=now)
        return answered
