"""The queue of one job: what has to be told to whom, what arrived, what failed. Every change is a transaction."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.notify.delivery import Delivery
from pipelines.notify.notice import RANKS, Stage, Urgency
from pipelines.notify.queuefile import open_queue_file, queue_errors
from pipelines.results.privatefile import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipelines.notify.delivery import Flagged, State
    from pipelines.notify.route import Route

_BY_RANK = tuple(RANKS)
# an update waits for what it updates; an escalation also goes out behind a dead letter, or at once where others get it
_DUE = """
SELECT n.id, n.record, n.shard, n.place, n.urgency, n.issued, d.stage, d.channel, d.attempts, d.first_at
FROM delivery d JOIN notice n ON n.id = d.notice
WHERE d.channel = :channel AND d.state = 'waiting' AND d.next_at <= :now AND n.urgency >= :least
  AND (d.stage = 'stored' OR (d.stage = 'escalated' AND :apart) OR NOT EXISTS (
    SELECT 1 FROM delivery s WHERE s.notice = d.notice AND s.channel = d.channel AND s.stage = 'stored'
    AND s.state != 'sent' AND NOT (s.state = 'dead' AND d.stage = 'escalated')))
ORDER BY n.urgency DESC, n.shard, n.place, d.stage != 'stored', d.stage LIMIT :limit
"""
_QUEUE = """
INSERT OR IGNORE INTO delivery (notice, stage, channel, state, next_at)
SELECT n.id, ?, ?, 'waiting', ? FROM notice n WHERE n.urgency >= ? AND """
_AGAIN = "UPDATE delivery SET state = 'waiting', attempts = 0, first_at = NULL, next_at = ? WHERE state = 'dead'"


class Queue:
    """The queue of one job; its methods may be called from several threads.

    Args:
        file: See `queue_place`; made where it is not there.

    Every method raises KeyStoreError where the file is damaged, DeliveryError where it is held by another process for
    too long, StorageError and its kinds where the disk fails.
    """

    def __init__(self, file: Path) -> None:
        self._rows, self._turn = open_queue_file(file), threading.RLock()

    def close(self) -> None:
        """Let go of the file."""
        with self._turn, queue_errors():
            self._rows.close()

    def taken(self) -> set[int]:
        """The shards that were taken in."""
        with self._reading() as rows:
            return {number for (number,) in rows.execute("SELECT number FROM shard")}

    def take(
        self,
        shard: int,
        flagged: Sequence[Flagged],
        routes: Sequence[Route],
        *,
        now: datetime,
        told_from: dict[Urgency, datetime],
    ) -> None:
        """Queue what a shard holds, and note that it was taken in, at once or not at all.

        Args:
            shard: Its number.
            flagged: Whom of it somebody is to be told of.
            routes: The channels.
            now: Time of issue.
            told_from: When people are told, by urgency; the clock of escalation starts then.
        """
        issued = now.isoformat(timespec="seconds")
        with self._changing() as rows:
            if rows.execute("SELECT 1 FROM shard WHERE number = ?", (shard,)).fetchone():
                return
            rows.execute("INSERT INTO shard VALUES (?, ?, 0)", (shard, len(flagged)))
            rows.executemany(
                "INSERT OR IGNORE INTO notice (id, record, shard, place, urgency, issued, told_from)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.notice,
                        one.record,
                        shard,
                        one.place,
                        RANKS[one.urgency],
                        issued,
                        told_from[one.urgency].timestamp(),
                    )
                    for one in flagged
                ],
            )
            _queue(rows, Stage.STORED, routes, now, "n.shard = ?", (shard,))

    def add_updates(self, routes: Sequence[Route], *, now: datetime) -> None:
        """Queue the anchor's state for all that was taken in; safe to repeat."""
        with self._changing() as rows:
            _queue(rows, Stage.ANCHORED, routes, now, "TRUE", ())

    def due(self, route: Route, *, now: datetime, least: int, limit: int) -> list[Delivery]:
        """What a channel has to send now: the most urgent first, then in the order of the plan.

        Args:
            route: The channel.
            now: The time.
            least: Rank of the least urgent that may be told now.
            limit: How many at most.
        """
        asked = {
            "channel": route.name,
            "now": now.timestamp(),
            "least": least,
            "limit": limit,
            "apart": route.escalates_apart,
        }
        with self._reading() as rows:
            found = rows.execute(_DUE, asked).fetchall()
        return [
            Delivery(notice, record, shard, place, _BY_RANK[rank], issued, Stage(stage), channel, attempts, first_at)
            for notice, record, shard, place, rank, issued, stage, channel, attempts, first_at in found
        ]

    def sent(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Note that they arrived."""
        moment = now.isoformat(timespec="seconds")
        with self._changing() as rows:
            rows.executemany(
                "UPDATE delivery SET state = 'sent', sent_at = ?, attempts = attempts + 1, problem = NULL"
                " WHERE notice = ? AND stage = ? AND channel = ?",
                [(moment, one.notice, one.stage, one.channel) for one in deliveries],
            )

    def failed(self, deliveries: Sequence[tuple[Delivery, State]], *, now: float, next_at: float, problem: str) -> None:
        """Note that they did not arrive: each is tried again from `next_at` on, or dead."""
        with self._changing() as rows:
            rows.executemany(
                "UPDATE delivery SET state = ?, attempts = attempts + 1, first_at = coalesce(first_at, ?), next_at = ?,"
                " problem = ? WHERE notice = ? AND stage = ? AND channel = ?",
                [(state, now, next_at, problem, one.notice, one.stage, one.channel) for one, state in deliveries],
            )

    def forget(self, shard: int, places: Sequence[int]) -> int:
        """Drop all that is kept of erased patients' records, count them, and return how many there were."""
        with self._changing() as rows:
            asked = [(shard, place) for place in places]
            rows.executemany(
                "DELETE FROM delivery WHERE notice IN (SELECT id FROM notice WHERE shard = ? AND place = ?)", asked
            )
            gone = rows.executemany("DELETE FROM notice WHERE shard = ? AND place = ?", asked).rowcount
            rows.execute("UPDATE shard SET erased = erased + ? WHERE number = ?", (gone, shard))
        return gone

    def unanswered(self, urgency: Urgency, *, until: float) -> list[str]:
        """Notices of an urgency that people were told of before a moment, not acknowledged and not escalated yet."""
        asked = (RANKS[urgency], until)
        with self._reading() as rows:
            found = rows.execute(
                "SELECT id FROM notice WHERE acknowledged IS NULL AND escalated = 0 AND urgency = ? AND told_from <= ?",
                asked,
            )
            return [one for (one,) in found]

    def unanswered_count(self, urgencies: Sequence[Urgency]) -> int:
        """How many notices of these urgencies may yet be escalated."""
        asked = "SELECT count(*) FROM notice WHERE acknowledged IS NULL AND escalated = 0 AND urgency = ?"
        with self._reading() as rows:
            return sum(rows.execute(asked, (RANKS[one],)).fetchone()[0] for one in urgencies)

    def escalate(self, notices: Sequence[str], routes: Sequence[Route], *, now: datetime) -> None:
        """Queue escalations, once a notice."""
        with self._changing() as rows:
            for one in notices:
                unanswered = "n.id = ? AND n.acknowledged IS NULL AND n.escalated = 0"
                _queue(rows, Stage.ESCALATED, routes, now, unanswered, (one,))
                rows.execute("UPDATE notice SET escalated = 1 WHERE id = ? AND acknowledged IS NULL", (one,))

    def known(self, notices: Sequence[str]) -> set[str]:
        """Which of these the queue has."""
        with self._reading() as rows:
            return {one for one in notices if rows.execute("SELECT 1 FROM notice WHERE id = ?", (one,)).fetchone()}

    def acknowledge(self, notices: Sequence[str], *, now: datetime) -> list[str]:
        """Stop their escalation, also one that waits; returns those that were not acknowledged before."""
        moment = now.isoformat(timespec="seconds")
        with self._changing() as rows:
            fresh = [
                one
                for one in notices
                if rows.execute(
                    "UPDATE notice SET acknowledged = ? WHERE id = ? AND acknowledged IS NULL", (moment, one)
                ).rowcount
            ]
            rows.executemany(
                "DELETE FROM delivery WHERE notice = ? AND stage = 'escalated' AND state != 'sent'",
                [(one,) for one in fresh],
            )
        return fresh

    def retry(self, notices: Sequence[str] | None, *, now: datetime) -> int:
        """Have dead letters, all or of these notices, tried anew; returns how many."""
        with self._changing() as rows:
            if notices is None:
                return rows.execute(_AGAIN, (now.timestamp(),)).rowcount
            return sum(rows.execute(f"{_AGAIN} AND notice = ?", (now.timestamp(), one)).rowcount for one in notices)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._turn, queue_errors():
            yield self._rows

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, queue_errors(), transaction(self._rows) as rows:
            yield rows


def _queue(
    rows: sqlite3.Connection, stage: Stage, routes: Sequence[Route], now: datetime, which: str, asked: tuple[Any, ...]
) -> None:
    for route in routes:
        if stage in route.stages:
            rows.execute(_QUEUE + which, (stage, route.name, now.timestamp(), RANKS[route.least], *asked))
