"""What a job will take, before anything of it runs: `sievert plan`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cluster.machine import count_cores, memory_gib
from cluster.session import OBJECT_STORE_BYTES
from models.package import load_package
from pipelines.cohort.plan import cut_shards
from pipelines.cohort.sources import find_inputs
from pipelines.flows.planning import check_screenable
from pipelines.flows.trial import mean_bytes, pick, try_sample
from pipelines.scale.costs import average
from pipelines.scale.estimate import best_size, by_nodes, estimate, footprint
from pipelines.scale.finished import read_costs
from pipelines.scale.workload import Workload
from sievert.branchplan import EXAMPLES, ClusterProfile
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipelines.cohort.cohort import Cohort
    from pipelines.scale.costs import CostModel
    from pipelines.scale.estimate import Estimate, Footprint
    from sievert.settings import Settings

NODES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Numbers of nodes to choose from; those far above the profile's are left out."""
_BEYOND = 10


@dataclass(frozen=True, slots=True)
class Foresight:
    """What was reckoned.

    Attributes:
        work: The job and its cluster.
        expected: On the profile's number of nodes.
        footprint: Memory and bytes.
        table: On other numbers of nodes, the profile's own among them.
        best_size: The shard size with which it would end first.
    """

    work: Workload
    expected: Estimate
    footprint: Footprint
    table: list[Estimate]
    best_size: int


def foresee(
    inputs: Sequence[str],
    *,
    model: str | Path,
    settings: Settings,
    cluster: ClusterProfile,
    like: Sequence[Path] = (),
    images: int | None = None,
) -> Foresight:
    """Reckon a job.

    Args:
        inputs: Files, folders, globs, manifests.
        model: Name or folder of a model package.
        settings: The tree.
        cluster: Where it is to run.
        like: Out folders of finished jobs to calibrate by; where there is none, a sample is tried.
        images: Reckon as if the cohort had so many.

    Raises:
        SievertError: Inputs or model cannot be used, as `sievert screen` would say.
    """
    check_screenable(load_package(model))
    cohort = find_inputs(inputs)
    costs = _costs(cohort, model=model, settings=settings, like=like)
    shards = cut_shards(images or len(cohort), size=settings.cohort.shard_size)
    work = Workload(shards, costs, cluster)
    counts = sorted({*(n for n in NODES if n <= _BEYOND * cluster.nodes), cluster.nodes})
    return Foresight(
        work,
        estimate(work),
        footprint(work, session_bytes=OBJECT_STORE_BYTES),
        by_nodes(work, counts),
        best_size(work),
    )


def _costs(cohort: Cohort, *, model: str | Path, settings: Settings, like: Sequence[Path]) -> CostModel:
    sample = pick(cohort, settings.plan.sample)
    if not like:
        return try_sample(sample, model=model, settings=settings)
    return replace(average([read_costs(folder) for folder in like]), read_bytes=mean_bytes(sample))


def find_cluster(name: str | None, settings: Settings) -> ClusterProfile:
    """A cluster by its name, the same as `sievert submit` knows it by; without one, this machine.

    Raises:
        ConfigError: There is no such profile.
    """
    if name is None:
        cpus = settings.cluster.workers or count_cores()
        return ClusterProfile(cpus=cpus, memory_gib=memory_gib())
    there = {**EXAMPLES, **settings.plan.profiles}
    if name in settings.clusters and name not in there:
        raise ConfigError(
            f"nothing is known of the nodes of cluster {name}",
            remedy=f"Add a table `plan.profiles.{name}`: how many nodes, their CPUs, memory and price.",
        )
    if name not in there:
        known = ", ".join(sorted(there))
        raise ConfigError(
            f"no cluster profile is named {name}", remedy=f"Known are {known}; add a table `plan.profiles`."
        )
    return there[name]
