"""Whole jobs whose images are stood in for: a fixed wait, a fixed work, or nothing at all.

Plan, shards, keys, sealed rows, files and the results actor are the real ones; only what comes before the seal is not.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
from memory import own_bytes, role_of

from cluster.session import open_session
from models.package import load_package
from pipelines.cohort.ids import Pseudonyms
from pipelines.cohort.plan import Plan
from pipelines.flows.planning import find_cohort, plan_job
from pipelines.flows.screen import make_task, run_facts
from pipelines.flows.stopwatch import Stopwatch
from pipelines.flows.tally import Tally
from pipelines.flows.timekeeping import Phases, ShardTimes
from pipelines.results.custody.creating import create_key_store
from pipelines.results.keystore import KeyStore
from pipelines.results.outfolder import OutFolder, locked_out_folder
from pipelines.results.rows import RowSealer
from pipelines.results.shardfile import ShardFooter, seal_counts, write_shard
from sievert.settings import ClusterSettings, CohortSettings, Settings, StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.flows.task import ScreenTask
    from pipelines.results.shardfile import SealedRow
    from sievert.records import PlannedInput, ShardCounts

_BLOCK = bytes(64 << 10)
EVERY_S = 0.5


@dataclass(frozen=True)
class StandIn:
    """What an image takes: seconds of waiting, blocks of 64 KiB hashed; makes a screener of a task.

    Attributes:
        wait_s: Slept an image, as for a slow store.
        blocks: Hashed an image: about 40 µs of a core each.
    """

    wait_s: float = 0.0
    blocks: int = 0

    def __call__(self, task: ScreenTask) -> _Screener:
        """Called once in each worker."""
        return _Screener(task, self)

    def take(self) -> None:
        """One image's time."""
        if self.wait_s:
            time.sleep(self.wait_s)
        for _ in range(self.blocks):
            hashlib.sha256(_BLOCK).digest()

    def take_many(self, images: int) -> None:
        """The time of several."""
        for _ in range(images):
            self.take()


class _Screener:
    """Commits the same verdict for every image of a shard."""

    def __init__(self, task: ScreenTask, image: StandIn) -> None:
        self._task, self._image, self._out, self._keys = task, image, OutFolder(task.out), KeyStore(task.keys)
        self._plan = Plan(self._out.plan, key=self._keys.identity_key)
        self._pseudonyms = Pseudonyms(self._keys.identity_key)

    def screen(self, shard: int) -> ShardCounts:
        """Seal and commit, as `pipelines.flows.shard` does."""
        job, attempt, clock, tally = self._task.job, uuid4().hex, Stopwatch(), Tally()
        sealer = RowSealer(job)
        rows = [self._row(planned, sealer, clock, tally) for planned in self._plan.shard(shard)]
        with clock("seal"):
            self._keys.save_keys(job, shard=shard, attempt=attempt, keys=sealer.keys)
        counts = tally.counts(clock.seconds)
        sealed = seal_counts(counts, identity_key=self._keys.identity_key, job=job)
        footer = ShardFooter(job, shard, attempt, self._keys.fingerprint, sealed)
        write_shard(self._out.shard(shard), rows, footer, draft=self._out.work / f"{shard}-{attempt}.parquet")
        return counts

    def _row(self, planned: PlannedInput, sealer: RowSealer, clock: Stopwatch, tally: Tally) -> SealedRow:
        with clock("predict"):
            self._image.take()
        tally.screened("negative", 0.1, flagged=False)
        with clock("seal"):
            record = self._pseudonyms.record(planned.source, hashlib.sha256(planned.source.encode()).digest())
            patient = self._pseudonyms.patient(planned.patient or record)
            return sealer.seal_row(
                index=planned.index,
                record=record,
                patient=patient,
                payload={"index": planned.index, "record": record, "decision": "negative"},
                identity={"source": planned.source},
                refusal=None,
            )


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that was run.

    Attributes:
        total_s: From finding the inputs to the list of files.
        plan_s: Finding and planning.
        wall_s: Shards, from the pool's start to the last commit.
        pool_s: Of that, until the first worker began.
        finish_s: From the last commit to the files' list.
        stages_s: Of all images, in the workers.
        shards_s: Of all shards, in the workers.
        memory: Anonymous bytes of driver and results actor while shards are screened, half a second apart, by role.
        peak: Largest anonymous bytes of each, finishing included.
    """

    total_s: float
    plan_s: float
    wall_s: float
    pool_s: float
    finish_s: float
    stages_s: float
    shards_s: float
    memory: dict[str, list[int]]
    peak: dict[str, int]


def run_job(
    manifest: Path, scratch: Path, image: StandIn, *, size: int, workers: int, address: str | None = None
) -> Ran:
    """Plan a manifest, run it with a stand-in, and finish it; nothing is anchored.

    Args:
        manifest: Of inputs that need not exist.
        scratch: An empty folder for keys and results.
        image: What stands in.
        size: Inputs a shard.
        workers: How many.
        address: Of a cluster; left out: a local session.
    """
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers know nothing of this folder
    settings = Settings(
        store=StoreSettings(keys=scratch / "keys", ledger=scratch / "ledger"), cohort=CohortSettings(shard_size=size)
    )
    package, phases, start = load_package("default"), Phases(), time.perf_counter()
    with locked_out_folder(scratch / "out") as out:
        keys = create_key_store(settings.store.keys)
        found = find_cohort([str(manifest)], out)
        job = plan_job(out, [str(manifest)], found=found, package=package, keys=keys, settings=settings)
        del found  # as a screening does
        phases.end("plan")
        task = make_task(out, job, package=package, keys=keys, settings=settings)
        with open_session(ClusterSettings(address=address)) as session:
            phases.end("session")
            ran = _shards(task, image, workers=workers, phases=phases, node=session.node)
            return replace(ran, total_s=time.perf_counter() - start)


def _shards(task: ScreenTask, image: StandIn, *, workers: int, phases: Phases, node: str) -> Ran:
    import ray

    from pipelines.flows.dataset import screen_shards
    from pipelines.results.actor import start_results_actor

    actor = start_results_actor(task.out, keys=task.keys, node=node)
    start, times, watch = time.perf_counter(), ShardTimes(), Watch()
    watch.start()
    waiting: list[Any] = []
    for shard in screen_shards(task, range(task.shards.count), workers=workers, times=times, screener=image):
        waiting.append(actor.add.remote(shard))
        _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=0)
    wall_s, memory = time.perf_counter() - start, {role: [*seen] for role, seen in watch.memory.items()}
    facts = run_facts(task.shards.planned, wall_s, resumed=0, workers=workers, package=load_package(task.model))
    phase_s = {**phases.seconds, "pool": times.pool_s}
    facts = replace(facts, phase_s=phase_s, shard_s=times.summary())
    manifest = ray.get(actor.finish.remote(facts)).manifest
    watch.done.set()
    stages_s = sum(manifest["counts"]["stage_s"].values())
    finish_s = time.perf_counter() - start - wall_s
    parts = (wall_s, times.pool_s, finish_s, stages_s, times.summary()["sum"])
    return Ran(0.0, phases.seconds["plan"], *parts, memory, {role: max(seen) for role, seen in watch.memory.items()})


class Watch(threading.Thread):
    """Looks at the driver's anonymous memory, and at the results actor's in a session that the driver started."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.memory: dict[str, list[int]] = {"driver": [], "results actor": []}
        self.done = threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        driver, actor = psutil.Process(), None
        while not self.done.wait(EVERY_S):
            self.memory["driver"].append(own_bytes(driver))
            with contextlib.suppress(OSError):  # it has ended
                actor = actor or next(filter(_is_actor, driver.children(recursive=True)), None)
                self.memory["results actor"] += [own_bytes(actor)] if actor else []


def _is_actor(process: psutil.Process) -> bool:
    try:
        return role_of(process) == "results actor"
    except (psutil.Error, OSError):
        return False


def write_manifest(file: Path, images: int) -> Path:
    """Inputs that nobody reads, each with a patient."""
    with file.open("w", encoding="ascii") as rows:
        rows.write("source,patient\n")
        rows.writelines(f"/archive/{number:012}.dcm,P{number // 4:010}\n" for number in range(images))
    return file
