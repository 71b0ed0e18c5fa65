"""Reckons in closed form how long a job takes and what it costs, with an interval and with what bounds it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import TYPE_CHECKING

from pipelines.scale.workload import IN_HAND, MB, SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.scale.workload import Workload

DRIFT = 0.10
"""Standard deviation between what two runs take that differ in nothing: benchmarks/simulation.py prints it."""
_NINETY = 1.645
"""Of a normal distribution, for an interval that nine in ten lie in."""
_ROW_BYTES = 2
"""A shard's rows are held as rows and as a table, before they are written."""
_NUMBERS_BYTES = 1024
"""What a shard's row takes in Ray's object store."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job takes.

    Attributes:
        nodes: On how many nodes.
        shards: How many shards.
        shard_size: Inputs a shard.
        seconds: From the command to its end.
        low_s: Nine in ten jobs take longer than this and shorter than `high_s`.
        high_s: See `low_s`.
        node_hours: All nodes, as long as the job.
        cost: Node-hours times the price.
        bound: What it waits for: `workers`, `store`, `driver`, `shards` (fewer than workers) or `start`.
        workers: Workers that have work.
    """

    nodes: int
    shards: int
    shard_size: int
    seconds: float
    low_s: float
    high_s: float
    node_hours: float
    cost: float
    bound: str
    workers: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a job takes besides time, in bytes.

    Attributes:
        worker: Peak of a worker.
        driver: Peak of the driver.
        actor: Peak of the results actor.
        node: Peak of a node: its workers, and the driver and the results actor on the first one.
        object_store: In Ray's object store.
        read: Read in all.
        written: Written in all.
    """

    worker: float
    driver: float
    actor: float
    node: float
    object_store: float
    read: float
    written: float


def estimate(work: Workload) -> Estimate:
    """Reckon a job."""
    parts = _parts(work)
    bound = max(parts, key=lambda name: parts[name])
    middle, edge = parts[bound], work.before_s + work.after_s
    seconds = edge + middle
    if edge > middle:
        bound = "start"
    elif bound == "workers" and work.cluster.nodes * work.cluster.cpus > work.workers:
        bound = "shards"
    part = _NINETY * sqrt(DRIFT**2 + work.costs.error**2)
    return Estimate(
        nodes=work.cluster.nodes,
        shards=work.shards.count,
        shard_size=work.shards.size,
        seconds=seconds,
        low_s=seconds * (1 - part) if part < 1 else 0.0,
        high_s=seconds * (1 + part),
        node_hours=work.node_hours(seconds),
        cost=work.price(seconds),
        bound=bound,
        workers=work.workers,
    )


def _parts(work: Workload) -> dict[str, float]:
    """When each of those that work at once is done with its last shard; the slowest decides."""
    shards, cluster, own = work.shards, work.cluster, work.overheads
    one_s, size = work.shard_s(min(shards.size, shards.planned)), min(shards.size, shards.planned)
    collecting = own.collect_shard_s * shards.count + own.collect_image_s * shards.planned
    parts = {
        "workers": _screening_s(work) + _burst_s(work),
        "driver": one_s + max(collecting, own.dispatch_s * shards.count),
    }
    if cluster.store_mb_s:
        parts["store"] = work.costs.read_bytes * shards.planned / (cluster.store_mb_s * MB) + size * work.image_s
    return parts


def _fed(work: Workload) -> int:
    """Workers that begin at once: where shards are few, the first workers have as many in hand as they may."""
    return min(work.workers, ceil(work.shards.count / IN_HAND))


def _burst_s(work: Workload) -> float:
    """Shards of one size end together: the results actor reads the last round's one after the other."""
    fed = _fed(work)
    last = work.shards.count - (ceil(work.shards.count / fed) - 1) * fed
    return max(1, last) * work.collect_s(work.shards.length(0))


def _screening_s(work: Workload) -> float:
    """Rounds of shards, the last one's slowest included; what failures and stragglers repeat on top."""
    cluster, fed = work.cluster, _fed(work)
    one_s, whole = work.shard_s(work.shards.length(0)), ceil(work.shards.count / fed)
    full_s = work.shards.planned / work.shards.length(0) * one_s / fed
    rounds_s = min(whole * one_s, full_s + one_s)
    slower = 1 + cluster.straggler_share * (cluster.straggler_factor - 1)
    lost = work.failures_per_s * (cluster.replace_s + one_s * slower / 2)
    tail_s = one_s * min(1.0, work.spread * sqrt(2 * log(fed))) if fed > 1 else 0.0
    straggling_s = min(1.0, cluster.straggler_share * fed) * (cluster.straggler_factor - 1) * one_s
    return max(full_s * slower, rounds_s) * (1 + lost) + max(tail_s, straggling_s)


def by_nodes(work: Workload, nodes: Sequence[int]) -> list[Estimate]:
    """The same job on several numbers of nodes."""
    return [estimate(work.on(number)) for number in nodes]


def best_size(work: Workload) -> int:
    """The shard size with which the job ends first; of equal ones the largest."""
    sizes = {size: estimate(work.cut(size)).seconds for size in SIZES}
    soonest = min(sizes.values())
    return max(size for size, seconds in sizes.items() if seconds <= soonest * 1.01)


def footprint(work: Workload, *, session_bytes: int) -> Footprint:
    """Memory and bytes of a job.

    Args:
        work: The job.
        session_bytes: What a node sets aside for Ray's object store.
    """
    memory, shards = work.costs.memory, work.shards
    worker = memory.worker + _ROW_BYTES * shards.size * work.costs.written_bytes
    driver = max(memory.driver + memory.dispatched * shards.count, memory.planning * shards.planned)
    actor = memory.actor + memory.collected * shards.count + shards.size * work.costs.written_bytes
    return Footprint(
        worker=worker,
        driver=driver,
        actor=actor,
        node=min(work.cluster.cpus, shards.count) * worker + driver + actor + session_bytes,
        object_store=min(session_bytes, _NUMBERS_BYTES * shards.count),
        read=work.costs.read_bytes * shards.planned,
        written=work.costs.written_bytes * shards.planned,
    )
