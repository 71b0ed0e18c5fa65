"""How one machine's CPUs are shared among the replicas of the models that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.machine import count_cores

if TYPE_CHECKING:
    from sievert.settings import Settings

_MOST = 4
"""Passes of one replica: beyond, its one interpreter, and not the networks, says how much it can do."""


def with_passes(settings: Settings, models: int) -> Settings:
    """The settings with the passes of a replica filled in, and with the threads of a pass that is alone in its process.

    Several replicas of one pass each do more than one replica of several passes, whose interpreter they share: so it is
    one, but for a site that wants fewer replicas than there are CPUs. On a cluster, where a node may have a single CPU,
    and on a GPU, it is one too.

    Args:
        settings: The tree.
        models: How many are served.
    """
    serve = settings.serve
    alone = settings.cluster.address is None and not serve.num_gpus
    share = count_cores() // (serve.max_replicas * models) if serve.max_replicas and alone else 1
    filled = {
        "passes": serve.passes or max(1, min(_MOST, share)),
        "threads_alone": serve.threads_alone or (min(_MOST, count_cores()) if alone else 1),
    }
    return settings.model_copy(update={"serve": serve.model_copy(update=filled)})
