"""Tries a sample of a cohort by the plain functions, without Ray, and keeps nothing of it: what its images cost."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from models.package import load_package
from pipelines.admit.reading import read_source
from pipelines.cohort.cohort import Cohort, from_table
from pipelines.flows.childprocesses import ChildProcesses
from pipelines.flows.planning import plan_job
from pipelines.flows.screen import make_task
from pipelines.flows.shard import ShardScreener
from pipelines.places.names import is_url, split_member
from pipelines.results.collector import JobCollector
from pipelines.results.custody.creating import create_key_store
from pipelines.results.outfolder import locked_out_folder
from pipelines.scale.costs import ERROR, SPREAD, CostModel, Memory, Overheads
from sievert.errors import DataError
from sievert.records import Refusal, ShardCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.cohort.declared import Declared
    from pipelines.flows.planning import PlannedJob
    from sievert.settings import Settings

SHARD = 16
"""Small, so that a short trial has several."""


@dataclass(frozen=True, slots=True)
class _Trial:
    sample: list[Declared]
    model: str | Path
    settings: Settings


@dataclass(frozen=True, slots=True)
class _Tried:
    """One shard: what came out, seconds of the worker and of the collector."""

    counts: ShardCounts
    seconds: float
    collect_s: float


def try_sample(sample: Sequence[Declared], *, model: str | Path, settings: Settings) -> CostModel:
    """Screen a sample in a process of its own and measure it.

    Args:
        sample: Some inputs of the cohort.
        model: Name or folder of a model package.
        settings: The tree; of its places none is touched.

    Raises:
        DataError: An input ends its decoder's process; a screening would refuse it.
    """
    children: ChildProcesses[_Trial, CostModel | None] = ChildProcesses(
        _try, prepare=_nothing, arguments=(), children=1
    )
    (tried,) = children.run([_Trial(list(sample), model, settings)], lost=_lost)
    if tried is None:
        raise DataError("an input of the sample ends its decoder's process", remedy="Try another --sample, or --like.")
    return tried


def _nothing() -> None:
    """Children need no preparation."""


def _lost(_: _Trial) -> None:
    return None


def pick(cohort: Cohort, number: int) -> list[Declared]:
    """Inputs from all over a cohort, evenly spaced; those before the first of a shard would be alike."""
    wanted = np.unique(np.linspace(0, len(cohort) - 1, min(number, len(cohort))).round().astype(np.int64))
    picked: list[Declared] = []
    start = 0
    for table in cohort.tables():
        rows = wanted[(wanted >= start) & (wanted < start + len(table))] - start
        picked += from_table(table.take(rows))
        start += len(table)
    return picked


def mean_bytes(sample: Sequence[Declared]) -> float:
    """Mean size of inputs that are files; 0 where none is."""
    sizes = [os.stat(one.source).st_size for one in sample if os.path.isfile(one.source)]  # noqa: PTH113, PTH116 - any name
    return sum(sizes) / len(sizes) if sizes else 0.0


def _try(trial: _Trial) -> CostModel:
    with tempfile.TemporaryDirectory(prefix="sievert-plan-") as folder:
        shards, memory, overheads = _screen(trial, Path(folder))
    steady = shards[1:] or shards  # the first one pays for what is done once
    images = sum(one.counts.planned for one in steady)
    stage_s = sum((one.counts for one in steady), ShardCounts()).stage_s
    beyond_s = sum(one.seconds for one in steady) - sum(stage_s.values())
    spread, error = _scatter(steady)
    collect_s = sum(one.collect_s for one in steady) - len(steady) * overheads.collect_shard_s
    return CostModel(
        images=images,
        stage_s={stage: seconds / images for stage, seconds in stage_s.items()},
        spread=spread,
        error=error,
        read_bytes=_read_bytes(trial),
        written_bytes=memory[1],
        overheads=replace(
            overheads,
            shard_s=max(0.0, beyond_s / len(steady)),
            collect_image_s=max(overheads.collect_image_s / 4, collect_s / images),
        ),
        memory=Memory(worker=max(Memory().worker, memory[0])),
    )


def _scatter(shards: list[_Tried]) -> tuple[float, float]:
    """Spread of an image's cost and error of its mean, from whole shards."""
    each = np.array([one.seconds / one.counts.planned for one in shards])
    if len(each) < 2:  # noqa: PLR2004 - one shard has no scatter: what is usual stands in
        return SPREAD, ERROR
    part = float(each.std(ddof=1) / each.mean())
    return part * sqrt(SHARD), part / sqrt(len(each))


def _screen(trial: _Trial, home: Path) -> tuple[list[_Tried], tuple[float, float], Overheads]:
    """Every shard of the sample; peak memory and bytes written an image."""
    place = trial.settings.store.model_copy(update={"keys": home / "keys", "ledger": home / "ledger"})
    cohort = trial.settings.cohort.model_copy(update={"shard_size": SHARD})
    settings = trial.settings.model_copy(update={"store": place, "cohort": cohort})
    package = load_package(trial.model)
    with locked_out_folder(home / "out") as out:
        keys = create_key_store(place.keys)
        found = Cohort.of(trial.sample)
        job = plan_job(out, [], found=found, package=package, keys=keys, settings=settings)
        screener = ShardScreener(make_task(out, job, package=package, keys=keys, settings=settings))
        shards = _run(screener, JobCollector(out.path, keys=keys.folder), job)
        written = sum(file.stat().st_size for file in out.results.iterdir()) / len(found)
    memory = psutil.Process().memory_info()
    return shards, (memory.rss - memory.shared, written), Overheads()


def _run(screener: ShardScreener, collector: JobCollector, job: PlannedJob) -> list[_Tried]:
    tried = []
    for shard in range(job.shards.count):
        start = time.perf_counter()
        counts = screener.screen(shard)
        screened = time.perf_counter()
        collector.add(shard)
        tried.append(_Tried(counts, screened - start, time.perf_counter() - screened))
    return tried


def _read_bytes(trial: _Trial) -> float:
    """Mean bytes of an input; those of archives and stores are read once more to tell."""
    limit = trial.settings.admit.max_file_bytes
    far = [one for one in trial.sample if is_url(one.source) or split_member(one.source)]
    near = [one for one in trial.sample if one not in far]
    read = [read_source(one.source, max_bytes=limit) for one in far]
    sizes = [0 if isinstance(one, Refusal) else len(one) for one in read]
    return (mean_bytes(near) * len(near) + sum(sizes)) / len(trial.sample)
