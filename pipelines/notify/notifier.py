"""Tells of one job, at least once, each channel for itself: what is stored at once, the anchor's state as an update."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.notify.escalating import Escalation
from pipelines.notify.intake import Intake, Unread
from pipelines.notify.lock import only_notifier
from pipelines.notify.queue import Queue
from pipelines.notify.queuefile import queue_place
from pipelines.notify.queueview import Standing, standing
from pipelines.notify.reading import RecordReader
from pipelines.notify.running import Run
from pipelines.notify.sending import Sender
from pipelines.notify.timing import Timing, utc_now
from pipelines.results.anchoring import read_anchor
from pipelines.results.disk import disk_errors
from pipelines.results.opening import check_openable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from pipelines.notify.route import Route
    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import OutFolder
    from sievert.settings import NotifySettings

_TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class Told:
    """What a pass did.

    Attributes:
        sent: Deliveries that arrived in it.
        standing: How the queue stands.
        unread: Shards that could not be taken in.
        unanswered: Notices that will be escalated unless somebody acknowledges them.
        is_over: Whether the job is finished and anchored, and nothing waits.
    """

    sent: int
    standing: Standing
    unread: Unread = field(default_factory=Unread)
    unanswered: int = 0
    is_over: bool = False


class Notifier:
    """The one notifier of a job; `open_notifier` makes it.

    Args:
        out: The job; it need not be finished.
        keys: The key store that opens it.
        settings: The branch.
        routes: The channels.
        clock: The time.

    Raises:
        KeyStoreError: And its kinds: the private key cannot be had, or is another job's.
    """

    def __init__(
        self,
        out: OutFolder,
        keys: KeyStore,
        *,
        settings: NotifySettings,
        routes: Sequence[Route],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        header, _ = check_openable(out, keys)
        self._out, self._keys, self._job, self._routes = out, keys, header.job, routes
        self._timing = Timing.of(settings, clock)
        self._file = queue_place(keys.folder, header.job)
        self._queue = Queue(self._file)
        self._reader = RecordReader(out, keys, header)
        self._intake = Intake(out, header, self._queue, reader=self._reader, rules=settings.rules, routes=routes)
        self._escalation = Escalation(
            self._queue, routes, settings.escalate_after_s, acknowledged=self._log_acknowledged
        )
        self._runs = [Run(self._sender(route)) for route in routes]
        self._stop, self._updated = threading.Event(), False

    def run_once(self, *, wait_s: float | None = None) -> Told:
        """Take in what was committed, escalate, and send what is due.

        Args:
            wait_s: How long channels are waited for at the end, in seconds; None for as long as they have something to
                send. A channel that is still at work is left to go on.

        Raises:
            SievertError: The queue or the audit log cannot be written, or the private key not be had.
        """
        self._reader.begin_pass()
        unread, before = Unread(), sum(run.sender.sent for run in self._runs)
        anchor = read_anchor(self._out, self._job)
        for run in self._runs:
            run.sender.anchor = anchor
        for _ in self._intake.run(self._timing, unread):
            self._updated = False
            self._start()
        if anchor is not None and not self._updated:
            self._queue.add_updates(self._routes, now=self._timing.clock())
            self._updated = True
        self._escalation.run(self._timing.clock())
        self._finish(wait_s)
        sent = sum(run.sender.sent for run in self._runs) - before
        return self._told(sent, unread, is_anchored=anchor is not None)

    def pause(self, seconds: float) -> None:
        """Wait, or less long where it is told to stop."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        """Have every channel stop after what it is sending."""
        self._stop.set()

    def close(self) -> None:
        """Stop, and let go of the queue."""
        self.stop()
        if not any(run.is_busy for run in self._runs):
            self._queue.close()

    def _told(self, sent: int, unread: Unread, *, is_anchored: bool) -> Told:
        there, unanswered = standing(self._file), self._escalation.open
        is_over = is_anchored and self._intake.is_complete and not there.waiting and not unanswered
        return Told(sent, there, unread, unanswered, is_over)

    def _start(self) -> None:
        for run in self._runs:
            run.start(self._stop)

    def _finish(self, wait_s: float | None) -> None:
        """A channel that was at work already may have missed what was queued last: it gets another turn."""
        end = None if wait_s is None else time.monotonic() + wait_s
        for _ in range(2):
            self._start()
            while any(run.is_busy for run in self._runs) and (end is None or time.monotonic() < end):
                for run in self._runs:
                    run.wait(_TICK_S)

    def _sender(self, route: Route) -> Sender:
        return Sender(route, self._queue, self._reader, timing=self._timing, notified=self._log_notified)

    def _log_notified(self, channel: str, records: list[str]) -> None:
        self._keys.log("notified", job=self._job, channel=channel, records=records)

    def _log_acknowledged(self, notices: list[str]) -> None:
        self._keys.log("acknowledged", job=self._job, notices=notices, by="receiver")


@contextmanager
def open_notifier(
    out: OutFolder,
    keys: KeyStore,
    *,
    settings: NotifySettings,
    routes: Sequence[Route],
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Notifier]:
    """The one notifier of a job, as long as it is held.

    Raises:
        DeliveryError: Another one is at work.
        KeyStoreError: And its kinds: the private key cannot be had, or is another job's.
    """
    header, _ = check_openable(out, keys)
    _ = keys.private  # asks for the passphrase now, or says that it is missing
    place = queue_place(keys.folder, header.job)
    with disk_errors("the queue of notices could not be made"):
        place.parent.mkdir(exist_ok=True, mode=0o700)
    with only_notifier(place.with_suffix(".lock")):
        notifier = Notifier(out, keys, settings=settings, routes=routes, clock=clock)
        try:
            yield notifier
        finally:
            notifier.close()
