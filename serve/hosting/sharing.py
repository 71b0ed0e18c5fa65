"""How one machine's CPUs are shared among the replicas of the models that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.machine import count_cores
from sievert.errors import ConfigError

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


def require_cpus(settings: Settings, apps: int, cpus: int, *, most: int) -> None:
    """Ray Serve would wait for ever for a replica that finds no CPU; on a cluster, nodes may be added for it.

    Args:
        settings: The tree.
        apps: Models with replicas of their own, and the shelf.
        cpus: Of this machine.
        most: Replicas of each at most.

    Raises:
        ConfigError: There are not enough.
    """
    needed = apps * min(settings.serve.min_replicas, most) * (settings.serve.passes or 1)
    if settings.cluster.address is None and needed > cpus:
        raise ConfigError(
            f"the replicas of these models need {needed} CPUs, and this machine has {cpus}",
            remedy="Put some on a --shelf, or set serve.min_replicas to 0, or serve.passes to 1.",
        )
