"""Ray Data runs the shards: a row is a shard, a resident screener an actor.

A row carries the shard's number and first index. Blocks may be cut and retried as Ray likes: a row is whole, the
shard's inputs come from the frozen plan, and its file is created once. All stages of an image run in one actor, on
purpose: on CPUs nothing but numbers then travels between processes (docs/adr/0002).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext

from pipelines.flows.shard import ShardScreener

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.flows.task import ScreenTask

QUEUED = 2
"""Shards a worker has in hand: one it works on, one that waits. More would leave others idle at the end."""


class _ScreenRow:
    """Ray Data's callable around the plain class."""

    def __init__(self, task: ScreenTask) -> None:
        self._screener = ShardScreener(task)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        counts = self._screener.screen(int(row["shard"]))
        return {"shard": row["shard"], "images": counts.planned}


def screen_shards(task: ScreenTask, shards: Sequence[int], *, workers: int) -> Iterator[int]:
    """Screen shards on a pool of actors and yield each one's number as soon as its file is committed.

    Args:
        task: The job.
        shards: Those that are not finished yet.
        workers: Size of the pool, one CPU each.
    """
    _quiet()
    rows = [{"shard": shard, "index": shard * task.shards.size} for shard in shards]
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        _ScreenRow,
        fn_constructor_args=(task,),
        compute=ActorPoolStrategy(size=min(workers, len(rows)), max_tasks_in_flight_per_actor=QUEUED),
        num_cpus=1,
    )
    for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
        yield from (int(shard) for shard in batch["shard"])


def _quiet() -> None:
    """Progress is ours to show, and Ray's log lines would quote what it runs."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
