"""Jobs for tests of the reckoning and of the simulation."""

from __future__ import annotations

from typing import Any

from pipelines.cohort.plan import cut_shards
from pipelines.scale.costs import CostModel, Overheads
from pipelines.scale.workload import Workload
from sievert.settings import ClusterProfile

STAGES = {"admit": 0.015, "preprocess.clahe": 0.009, "predict": 0.001}


def workload(images: int = 100_000, *, size: int | None = None, spread: float = 0.3, **cluster: Any) -> Workload:  # noqa: ANN401 - any field of a profile
    costs = CostModel(1000, STAGES, spread=spread, read_bytes=4e5, written_bytes=3300)
    return Workload(cut_shards(images, size=size), costs, ClusterProfile(**cluster))


def bare(images: int, *, size: int, spread: float = 0.3, **cluster: Any) -> Workload:  # noqa: ANN401 - any field of a profile
    """Without any overhead: what is left is the shards' own time."""
    costs = CostModel(1000, STAGES, spread=spread, overheads=Overheads(*[0.0] * 10))
    return Workload(cut_shards(images, size=size), costs, ClusterProfile(**cluster))
