"""Ray Data runs the shards: a row is a shard, a resident screener an actor.

A row carries the shard's number and first index. Blocks may be cut and retried as Ray likes: a row is whole, the
shard's inputs come from the frozen plan, and its file is created once. All stages of an image run in one actor, on
purpose: on CPUs nothing but numbers then travels between processes (docs/adr/0002).
"""

from __future__ import annotations

import logging
import time
from functools import cached_property
from traceback import format_tb
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext

from pipelines.flows.shard import ShardScreener
from sievert.errors import ClusterError, SievertError
from sievert.errortext import read_error, write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelines.flows.task import Screens, ScreenTask
    from pipelines.flows.timekeeping import ShardTimes

UNFORESEEN = "Run the same command again with --verbose, and report the traceback."
QUEUED = 2
"""Shards a worker has in hand: one it works on, one that waits. More would leave others idle at the end."""


class _ScreenRow:
    """Ray Data's callable around the plain class.

    An error of ours travels as a row: as an exception, Ray would hand on its text and lose what it is. For the same
    reason the screener is made with the first row, not with the actor.
    """

    def __init__(self, task: ScreenTask, make: Callable[[ScreenTask], Screens]) -> None:
        self._task, self._make = task, make

    @cached_property
    def _screener(self) -> Screens:
        return self._make(self._task)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            screener, start = self._screener, time.perf_counter()
            screener.screen(int(row["shard"]))
        except SievertError as error:
            return _answer(row, error=write_error(error))
        except Exception as error:  # noqa: BLE001 - its text may hold a path; its kind and place are told
            ours = ClusterError(f"a worker failed on shard {row['shard']} ({type(error).__name__})", remedy=UNFORESEEN)
            return _answer(row, error=write_error(ours, trace="".join(format_tb(error.__traceback__))))
        return _answer(row, seconds=time.perf_counter() - start)


def _answer(row: dict[str, Any], *, error: str = "", seconds: float = 0.0) -> dict[str, Any]:
    return {"shard": row["shard"], "error": error, "seconds": seconds}


def screen_shards(
    task: ScreenTask,
    shards: Sequence[int],
    *,
    workers: int,
    times: ShardTimes | None = None,
    screener: Callable[[ScreenTask], Screens] = ShardScreener,
) -> Iterator[int]:
    """Screen shards on a pool of actors and yield each one's number as soon as its file is committed.

    Args:
        task: The job.
        shards: Those that are not finished yet.
        workers: Size of the pool, one CPU each.
        times: Is told how long each shard took.
        screener: What screens in each worker; benchmarks name one that only waits.

    Raises:
        SievertError: What a worker raised, as its own kind.
    """
    _quiet()
    rows = [{"shard": shard, "index": shard * task.shards.size} for shard in shards]
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        _ScreenRow,
        fn_constructor_args=(task, screener),
        compute=ActorPoolStrategy(size=min(workers, len(rows)), max_tasks_in_flight_per_actor=QUEUED),
        num_cpus=1,
    )
    for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
        for shard, error, seconds in zip(batch["shard"], batch["error"], batch["seconds"], strict=True):
            if error:
                raise read_error(error)
            if times is not None:
                times.add(float(seconds))
            yield int(shard)


def _quiet() -> None:
    """Progress is ours to show, and Ray's log lines would quote what it runs."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
