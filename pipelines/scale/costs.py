"""What an image, a shard and a job cost: measured once, then reckoned with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

SPREAD, ERROR = 0.3, 0.1
"""Of an image's cost, and of its mean, where too few were measured to tell."""
ON_GPU = ("predict", "explain")
"""Stages that a GPU would run."""


@dataclass(frozen=True, slots=True)
class Overheads:
    """What comes on top of the images' own stages, in seconds.

    Attributes:
        command_s: From the command to its first line of work, and from the anchor to the prompt.
        plan_image_s: Finding and planning, an image.
        session_s: Until Ray is there.
        pool_s: Until the first worker begins.
        shard_s: A shard beyond its images' stages: reading the plan, writing, committing.
        dispatch_s: A shard, in the driver, which does one after the other.
        collect_shard_s: A shard read back by the results actor, which does one after the other.
        collect_image_s: The same, an image of it.
        finish_image_s: Quarantine, report and list of files, an image.
        anchor_s: Anchoring, a job.
    """

    command_s: float = 4.0
    plan_image_s: float = 1.7e-6
    session_s: float = 5.0
    pool_s: float = 5.0
    shard_s: float = 0.02
    dispatch_s: float = 0.003
    collect_shard_s: float = 0.002
    collect_image_s: float = 3e-5
    finish_image_s: float = 1e-5
    anchor_s: float = 1.5


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak anonymous memory, in bytes, as `memory.py`, `planning.py` and `scaling.py` of benchmarks/ measure it.

    Attributes:
        worker: A worker, without the rows of its shard.
        driver: The driver, without shards.
        dispatched: What the driver keeps of a shard, as far as runs of 782 and 977 shards tell.
        planning: The driver while it plans, an image.
        actor: The results actor, without shards.
        collected: What the results actor keeps of a shard.
    """

    worker: float = 175 * 2**20
    driver: float = 190 * 2**20
    dispatched: float = 16e3
    planning: float = 33.0
    actor: float = 112 * 2**20
    collected: float = 360.0


@dataclass(frozen=True, slots=True)
class CostModel:
    """What was measured.

    Attributes:
        images: How many images it was measured on.
        stage_s: Seconds an image by stage.
        spread: Standard deviation of an image's cost, as a multiple of its mean.
        error: Standard error of the mean cost of an image, as a part of it.
        read_bytes: Read an image.
        written_bytes: Written an image.
        overheads: What comes on top.
        memory: How much of it.
    """

    images: int
    stage_s: dict[str, float]
    spread: float = SPREAD
    error: float = ERROR
    read_bytes: float = 0.0
    written_bytes: float = 0.0
    overheads: Overheads = field(default_factory=Overheads)
    memory: Memory = field(default_factory=Memory)

    def image_s(self, *, speed: float = 1.0, gpu_speedup: float = 1.0) -> float:
        """Seconds of one worker for an image, its reading included.

        Args:
            speed: Of the worker's CPU, as a multiple of the measured one.
            gpu_speedup: How many times faster the network runs.
        """
        network = sum(seconds for stage, seconds in self.stage_s.items() if stage in ON_GPU)
        return (sum(self.stage_s.values()) - network) / speed + network / max(speed, gpu_speedup)


def average(models: list[CostModel]) -> CostModel:
    """One model of several, each weighed by its images; the overheads of all count alike.

    Args:
        models: At least one.
    """
    total = sum(model.images for model in models)
    share = [model.images / total for model in models]
    stages = sorted({stage for model in models for stage in model.stage_s})
    mixed = [tuple(getattr(model.overheads, one.name) for model in models) for one in fields(Overheads)]
    return CostModel(
        images=total,
        stage_s={name: _mixed([model.stage_s.get(name, 0.0) for model in models], share) for name in stages},
        spread=_mixed([model.spread for model in models], share),
        error=sum((part * model.error) ** 2 for part, model in zip(share, models, strict=True)) ** 0.5,
        read_bytes=_mixed([model.read_bytes for model in models], share),
        written_bytes=_mixed([model.written_bytes for model in models], share),
        overheads=Overheads(*(sum(values) / len(values) for values in mixed)),
        memory=models[0].memory,
    )


def _mixed(values: list[float], share: list[float]) -> float:
    return sum(value * part for value, part in zip(values, share, strict=True))
