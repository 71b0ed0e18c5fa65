"""What a queue holds, for people and for who decides whether there is more to do."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipelines.notify.notice import RANKS
from pipelines.notify.queuefile import open_queue_file, queue_errors

if TYPE_CHECKING:
    from pathlib import Path

_BY_RANK = tuple(RANKS)
_LISTED = ("notice", "record", "urgency", "stage", "channel", "state", "attempts", "issued", "sent", "acknowledged")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a queue stands.

    Attributes:
        notices: Records that somebody is to be told of.
        waiting: Deliveries that will be tried, now or later.
        held: Updates that wait behind a dead letter.
        sent: Deliveries that arrived.
        dead: Dead letters.
        erased: Notices dropped because their patients were erased.
        acknowledged: Notices that somebody acknowledged.
        failing: Of those that wait, how many have failed at least once.
    """

    notices: int = 0
    waiting: int = 0
    held: int = 0
    sent: int = 0
    dead: int = 0
    erased: int = 0
    acknowledged: int = 0
    failing: int = 0

    def described(self) -> dict[str, int]:
        """For machines."""
        return asdict(self)


_COUNTS = """
SELECT (SELECT count(*) FROM notice), coalesce(sum(d.state = 'waiting' AND s.state IS NOT 'dead'), 0),
  coalesce(sum(d.state = 'waiting' AND s.state IS 'dead'), 0), coalesce(sum(d.state = 'sent'), 0),
  coalesce(sum(d.state = 'dead'), 0), (SELECT coalesce(sum(erased), 0) FROM shard),
  (SELECT count(acknowledged) FROM notice),
  coalesce(sum(d.state = 'waiting' AND d.attempts > 0), 0)
FROM delivery d LEFT JOIN delivery s ON d.stage = 'anchored' AND s.notice = d.notice AND s.channel = d.channel
  AND s.stage = 'stored'
"""
_ROWS = """
SELECT n.id, n.record, n.urgency, d.stage, d.channel, d.state, d.attempts, n.issued, d.sent_at, n.acknowledged,
  d.problem FROM delivery d JOIN notice n ON n.id = d.notice WHERE d.state = coalesce(?, d.state)
  ORDER BY n.urgency DESC, n.shard, n.place, d.channel, d.stage != 'stored', d.stage
"""


def standing(file: Path) -> Standing:
    """How a queue stands; all zero where there is none.

    Raises:
        KeyStoreError: It is damaged.
        StorageError: And its kinds.
    """
    if not file.exists():
        return Standing()
    with closing(open_queue_file(file)) as rows, queue_errors():
        return Standing(*rows.execute(_COUNTS).fetchone())


def listed(file: Path, *, state: str | None = None) -> list[dict[str, Any]]:
    """Every delivery, or those of one state, the most urgent first.

    Raises:
        KeyStoreError: It is damaged.
        StorageError: And its kinds.
    """
    if not file.exists():
        return []
    with closing(open_queue_file(file)) as rows, queue_errors():
        found = rows.execute(_ROWS, (state,)).fetchall()
    return [
        dict(zip((*_LISTED, "problem"), (*row[:2], _BY_RANK[row[2]].value, *row[3:]), strict=True)) for row in found
    ]
