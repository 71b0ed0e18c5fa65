"""What a replica is told of the model that it screens with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.admit.scope import Scope
    from pipelines.decide import DecisionRule
    from sievert.settings import AdmitSettings


@dataclass(frozen=True, slots=True)
class OnlineTask:
    """What a replica is told: plain values and paths, no secret.

    Attributes:
        results: Absolute path of the folder that rolling jobs are made in.
        keys: Absolute path of the key store.
        model: Absolute path of the model package.
        model_digest: What the package must be.
        scope: What the model is for.
        policy: The compliance policy.
        rule: When to decide.
        batch_size: Images a forward pass at most.
        passes: Forward passes at once; as many processes admit.
        batch_wait_s: How long a pass waits for further images.
        keep_pictures: Whether pictures are kept, sealed.
        to_disk: Whether a record is on the disk before it is answered.
        roll_after_s: Age at which a job is closed.
        roll_after_records: Size at which it is.
        seeds: Of the network's training.
        threads: Threads a forward pass.
        threads_alone: Threads of a pass while its process has no other image in hand.
        on_gpu: Whether the network runs on a GPU.
    """

    results: Path
    keys: Path
    model: Path
    model_digest: str
    scope: Scope
    policy: AdmitSettings
    rule: DecisionRule
    batch_size: int
    passes: int
    batch_wait_s: float
    keep_pictures: bool
    to_disk: bool
    roll_after_s: float
    roll_after_records: int
    seeds: dict[str, int]
    threads: int = 1
    threads_alone: int = 1
    on_gpu: bool = False
