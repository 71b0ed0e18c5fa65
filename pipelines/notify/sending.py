"""Sends through one channel what is due, and rests when its receiver is away."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from pipelines.notify.delivery import State
from pipelines.notify.notice import Notice
from pipelines.notify.route import Gathering
from sievert.errors import DeliveryError, RefusedNoticeError, SievertError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from pipelines.notify.delivery import Delivery
    from pipelines.notify.queue import Queue
    from pipelines.notify.reading import RecordReader
    from pipelines.notify.route import Route
    from pipelines.notify.timing import Timing
    from pipelines.results.ledger.anchor import Anchor

_BATCH, _GATHERED = 16, 10_000
_FAILURES_IN_A_ROW = 3
"""So many, and the receiver is taken to be away: what comes next would only wait for the same silence."""


class Sender:
    """One channel's sender; `run` is one pass, in a thread of its own.

    Args:
        route: The channel.
        queue: The job's.
        reader: Opens records.
        timing: When is what.
        notified: Told which records went out, for the audit log.
    """

    def __init__(
        self,
        route: Route,
        queue: Queue,
        reader: RecordReader,
        *,
        timing: Timing,
        notified: Callable[[str, list[str]], None],
    ) -> None:
        self.route, self._queue, self._reader = route, queue, reader
        self._backoff, self._quiet, self._clock = timing.backoff, timing.quiet, timing.clock
        self._notified = notified
        self._failures, self._rests, self._rests_until = 0, 0, float("-inf")
        self.anchor: Anchor | None = None
        self.sent = 0

    def run(self, stop: threading.Event) -> None:
        """Send what is due until nothing is, the receiver is away, or it is told to stop.

        Raises:
            SievertError: The queue or the audit log cannot be written.
        """
        limit = _GATHERED if isinstance(self.route.channel, Gathering) else _BATCH
        while not stop.is_set() and self._clock().timestamp() >= self._rests_until:
            now = self._clock()
            least = self._quiet.least_urgent(now) if self.route.disturbs else 0
            due = self._queue.due(self.route, now=now, least=least, limit=limit)
            if not due:
                return
            self._send(due, stop)

    def _send(self, due: Sequence[Delivery], stop: threading.Event) -> None:
        arrived: list[str] = []
        gathered: list[tuple[Delivery, Notice]] = []
        channel = self.route.channel
        try:
            for delivery, notice in self._opened(due):
                if stop.is_set() or self._is_resting():
                    break
                if isinstance(channel, Gathering) and channel.gathers(notice):
                    gathered.append((delivery, notice))
                elif self._hand_over([delivery], partial(channel.deliver, notice)):
                    arrived.append(delivery.record)
            if gathered and isinstance(channel, Gathering) and not stop.is_set() and not self._is_resting():
                deliveries, notices = [one for one, _ in gathered], [one for _, one in gathered]
                if self._hand_over(deliveries, partial(channel.deliver_together, notices)):
                    arrived += [one.record for one in deliveries]
        finally:
            if arrived:
                self._notified(self.route.name, arrived)

    def _is_resting(self) -> bool:
        return self._clock().timestamp() < self._rests_until

    def _opened(self, due: Sequence[Delivery]) -> list[tuple[Delivery, Notice]]:
        """What is due, in its order, with its records; what cannot be opened is noted, who was erased is forgotten."""
        by_shard: dict[int, list[Delivery]] = defaultdict(list)
        for one in due:
            by_shard[one.shard].append(one)
        opened: dict[tuple[str, str], Notice] = {}
        for shard, deliveries in by_shard.items():
            opened |= self._of_shard(shard, deliveries)
        return [(one, opened[one.notice, one.stage]) for one in due if (one.notice, one.stage) in opened]

    def _of_shard(self, shard: int, deliveries: list[Delivery]) -> dict[tuple[str, str], Notice]:
        try:
            rows, erased = self._reader.rows(shard, {one.place for one in deliveries})
        except SievertError as error:
            self._note(deliveries, DeliveryError(f"the record cannot be opened ({type(error).__name__})"))
            return {}
        if erased:
            self._queue.forget(shard, sorted(erased))
        lost = [one for one in deliveries if one.place not in rows and one.place not in erased]
        self._note(lost, DeliveryError("the record is not where it was"))
        return {
            (one.notice, one.stage): Notice(
                id=one.notice,
                stage=one.stage,
                urgency=one.urgency,
                record=rows[one.place].record,
                identity=rows[one.place].identity,
                issued=one.issued,
                anchor=self.anchor,
            )
            for one in deliveries
            if one.place in rows
        }

    def _hand_over(self, deliveries: Sequence[Delivery], deliver: Callable[[], None]) -> bool:
        try:
            deliver()
        except DeliveryError as error:
            self._note(deliveries, error)
            self._count(error)
            return False
        except Exception as error:  # noqa: BLE001 - a channel's fault must not stop the others, nor be told: it may quote
            fault = DeliveryError(f"the channel failed ({type(error).__name__})")
            self._note(deliveries, fault)
            self._count(fault)
            return False
        self._queue.sent(deliveries, now=self._clock())
        self._failures, self._rests = 0, 0
        self.sent += len(deliveries)
        return True

    def _note(self, deliveries: Sequence[Delivery], error: DeliveryError) -> None:
        if not deliveries:
            return
        now = self._clock().timestamp()
        wait_s = self._backoff.wait_s(1 + max(one.attempts for one in deliveries), asked_s=error.asked_s)
        self._queue.failed(
            [(one, self._state(one, error, now)) for one in deliveries],
            now=now,
            next_at=now + wait_s,
            problem=error.message,
        )

    def _state(self, delivery: Delivery, error: DeliveryError, now: float) -> State:
        failing_s = 0.0 if delivery.first_at is None else now - delivery.first_at
        is_dead = isinstance(error, RefusedNoticeError) or self._backoff.gives_up(failing_s=failing_s)
        return State.DEAD if is_dead else State.WAITING

    def _count(self, error: DeliveryError) -> None:
        """A refusal is an answer; silence, or a wish to be left alone, means that the receiver is away."""
        if isinstance(error, RefusedNoticeError):
            return
        self._failures += 1
        if error.asked_s is not None or self._failures >= _FAILURES_IN_A_ROW:
            self._rests += 1
            wait_s = self._backoff.wait_s(self._rests, asked_s=error.asked_s)
            self._failures, self._rests_until = 0, self._clock().timestamp() + wait_s
