"""What a shard came to, counted as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sievert.records import ShardCounts

if TYPE_CHECKING:
    from sievert.records import Refusal

BINS = 20


class Tally:
    """Counts of one shard."""

    def __init__(self) -> None:
        self._reasons: dict[str, int] = {}
        self._decisions: dict[str, int] = {}
        self._histogram = [0] * BINS
        self._flagged = 0

    def refused(self, refusal: Refusal) -> None:
        """Count an input that was refused."""
        self._reasons[refusal.reason] = self._reasons.get(refusal.reason, 0) + 1

    def screened(self, decision: str, probability: float, *, flagged: bool) -> None:
        """Count a verdict; its probability, in 0 to 1, goes into the histogram."""
        self._decisions[decision] = self._decisions.get(decision, 0) + 1
        self._histogram[min(int(probability * BINS), BINS - 1)] += 1
        self._flagged += flagged

    def counts(self, stage_s: dict[str, float]) -> ShardCounts:
        """All of it, with the seconds that each stage took."""
        screened, quarantined = sum(self._decisions.values()), sum(self._reasons.values())
        return ShardCounts(
            planned=screened + quarantined,
            screened=screened,
            flagged=self._flagged,
            quarantined=quarantined,
            reasons=dict(self._reasons),
            histogram=list(self._histogram),
            decisions=dict(self._decisions),
            stage_s={stage: round(seconds, 6) for stage, seconds in stage_s.items()},
        )
