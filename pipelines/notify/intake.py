"""Takes committed shards in: opens what may have to be told, judges it, queues it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.notify.delivery import Flagged
from pipelines.notify.notice import Urgency, notice_id
from pipelines.notify.rules import urgency_of, wanted_outcomes
from sievert.errors import IntegrityError, KeyStoreError, PassphraseError, SievertError, WrongKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pipelines.notify.queue import Queue
    from pipelines.notify.quiet import QuietHours
    from pipelines.notify.reading import RecordReader
    from pipelines.notify.route import Route
    from pipelines.notify.timing import Timing
    from pipelines.results.outfolder import JobHeader, OutFolder
    from sievert.settings import NotifyRule


@dataclass(slots=True)
class Unread:
    """Shards that could not be taken in, this time.

    Attributes:
        unshared: Those of which nothing was wrapped for the private key at hand.
        damaged: Those that are damaged, or whose keys are missing.
        problem: What the first of these says.
    """

    unshared: int = 0
    damaged: int = 0
    problem: SievertError | None = None


class Intake:
    """Takes the shards of one job in, each once.

    Args:
        out: The job.
        header: Its header.
        queue: Its queue.
        reader: Opens its records.
        rules: What is told.
        routes: The channels.
    """

    def __init__(
        self,
        out: OutFolder,
        header: JobHeader,
        queue: Queue,
        *,
        reader: RecordReader,
        rules: Sequence[NotifyRule],
        routes: Sequence[Route],
    ) -> None:
        self._out, self._header, self._queue = out, header, queue
        self._reader, self._rules, self._routes = reader, rules, routes
        self._taken = queue.taken()

    @property
    def is_complete(self) -> bool:
        """Whether every shard of the plan was taken in."""
        return len(self._taken) == self._header.shards.count

    def run(self, timing: Timing, unread: Unread) -> Iterator[int]:
        """Take in what was committed since; yields the number of each shard, and tells what could not be read.

        Raises:
            SievertError: The queue or the audit log cannot be written, or the private key not be had.
        """
        there = self._out.finished_shards() & set(range(self._header.shards.count))
        for shard in sorted(there - self._taken):
            try:
                self._take(shard, timing.quiet, timing.clock())
            except WrongKeyError:
                unread.unshared += 1
            except PassphraseError:
                raise
            except (IntegrityError, KeyStoreError) as error:
                unread.damaged, unread.problem = unread.damaged + 1, unread.problem or error
            else:
                self._taken.add(shard)
                yield shard

    def _take(self, shard: int, quiet: QuietHours, now: datetime) -> None:
        opened = self._reader.open_shard(shard, wanted_outcomes(self._rules))
        judged = [(row, urgency_of(row.record, self._rules)) for row in opened.rows]
        told = [(row, urgency) for row, urgency in judged if urgency is not None]
        flagged = [
            Flagged(notice_id(self._header.job, row.record["record"]), row.record["record"], row.index, urgency)
            for row, urgency in told
        ]
        told_from = {urgency: quiet.told_from(now, urgency) for urgency in Urgency}
        self._queue.take(shard, flagged, self._routes, now=now, told_from=told_from)
        self._reader.keep(shard, [row for row, _ in told])
