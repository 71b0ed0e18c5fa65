"""How one machine's CPUs are shared among the replicas of the models that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.machine import count_cores

if TYPE_CHECKING:
    from sievert.settings import Settings

_MOST = 4
"""Passes of one replica: beyond, its one interpreter, and not the networks, says how much it can do."""


def with_passes(settings: Settings, models: int) -> Settings:
    """The settings with the passes of a replica filled in.

    One replica that runs several passes takes less memory than several replicas, and nobody waits for the second one
    to start. On a cluster, where a node may have a single CPU, and on a GPU, it is one.

    Args:
        settings: The tree.
        models: How many are served.
    """
    serve = settings.serve
    if serve.passes is not None:
        return settings
    alone = settings.cluster.address is None and not serve.num_gpus
    replicas = serve.max_replicas or max(1, serve.min_replicas)
    passes = max(1, min(_MOST, count_cores() // (replicas * models))) if alone else 1
    return settings.model_copy(update={"serve": serve.model_copy(update={"passes": passes})})
