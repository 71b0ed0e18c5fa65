"""What a worker needs to screen shards of a job: plain values and paths, no secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.admit.scope import Scope
    from pipelines.cohort.plan import Shards
    from pipelines.decide import DecisionRule
    from sievert.records import ShardCounts
    from sievert.settings import AdmitSettings


@dataclass(frozen=True, slots=True)
class ScreenTask:
    """One job as its workers see it.

    Attributes:
        job: The job's commitment.
        out: Absolute path of the out folder.
        keys: Absolute path of the key store.
        model: Absolute path of the model package.
        model_digest: What the package must be.
        shards: The cut.
        scope: What the model is for.
        policy: The compliance policy.
        rule: When to decide.
        batch_size: Images a forward pass.
        bucket: URL of the bucket that the out folder stands for; empty where it stands for itself.
    """

    job: str
    out: Path
    keys: Path
    model: Path
    model_digest: str
    shards: Shards
    scope: Scope
    policy: AdmitSettings
    rule: DecisionRule
    batch_size: int
    bucket: str = ""


class Screens(Protocol):
    """What a worker keeps resident: it screens shards of one job."""

    def screen(self, shard: int) -> ShardCounts:
        """Screen a shard and commit its file."""
        ...
