"""The results actor: the collector, in one place for the whole job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pipelines.results.collector import JobCollector

if TYPE_CHECKING:
    from pathlib import Path


def start_results_actor(out: Path, *, keys: Path, node: str, actor: str | None = None) -> Any:  # noqa: ANN401 - Ray's handle
    """Start the actor on the driver's node; it takes no CPU from screening."""
    place = NodeAffinitySchedulingStrategy(node, soft=False)
    collector = ray.remote(num_cpus=0, max_restarts=0)(JobCollector).options(scheduling_strategy=place)
    return collector.remote(out, keys=keys, actor=actor)
