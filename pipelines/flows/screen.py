"""The main job: plan, screen on Ray, collect, anchor. Killed anywhere and started again, it goes on."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.package import PROVENANCE, ModelPackage, load_package
from pipelines.admit.burnedin import require_finder
from pipelines.admit.dicom.conformance import require_checker
from pipelines.admit.scope import Scope
from pipelines.flows.notifying import Notices, find_routes, telling
from pipelines.flows.places import keep_apart, refuse_inputs_around
from pipelines.flows.planning import PlannedJob, check_screenable, decision_rule, find_cohort, plan_job
from pipelines.flows.task import ScreenTask
from pipelines.flows.timekeeping import Phases, ShardTimes
from pipelines.results.binding import Finished, bind_job
from pipelines.results.collector import Collected, JobCollector
from pipelines.results.custody.creating import create_key_store
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import Ledger, open_ledger
from pipelines.results.mirror import mirror_at
from pipelines.results.outfolder import OutFolder, locked_out_folder
from pipelines.results.runmanifest import RunFacts
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cluster.session import Session
    from pipelines.flows.watcher import Watcher
    from sievert.records import ShardCounts
    from sievert.settings import Settings

_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class Screening:
    """A finished job.

    Attributes:
        finished: Manifest, root and anchor; without anchor where the ledger is away or refuses.
        late: Inputs that are not in this job because they turned up after its plan was frozen.
        resumed: Whether an earlier run began it.
        notices: How telling stands; None where nobody is to be told, or telling was not possible.
    """

    finished: Finished
    late: int
    resumed: bool
    notices: Notices | None = None


def screen_cohort(
    inputs: Sequence[str],
    out: Path,
    *,
    model: str | Path,
    settings: Settings,
    watcher: Watcher,
    passphrase: Callable[[], bytes | None] = lambda: None,
) -> Screening:
    """Run the whole job.

    Args:
        inputs: Files, folders, globs, manifests.
        out: The out folder; made where it is not there. It may be the mirror of a bucket, which is fresh.
        model: Name or folder of a model package.
        settings: The tree.
        watcher: Who is told how it goes.
        passphrase: Of the private key, which only telling needs: where a channel is configured.

    Raises:
        SievertError: Each kind where the run cannot go on; nothing that a file contains is such a case.
    """
    phases = Phases()
    keep_apart(out, settings.store)
    routes = find_routes(settings.notify)
    package = load_package(model)
    check_screenable(package)
    if settings.admit.conformance != "off":
        require_checker()
    if settings.admit.burned_in_text != "ignore":
        require_finder()
    refuse_inputs_around(inputs, out)
    cohort = find_cohort(inputs, OutFolder(out))
    with locked_out_folder(out.absolute()) as folder:
        place = settings.store.keys.absolute()
        if not folder.job.exists():
            create_key_store(place)
        keys = KeyStore(place, actor=settings.audit.actor)
        job = plan_job(folder, inputs, found=cohort, package=package, keys=keys, settings=settings)
        del cohort  # the plan on disk is the authority from here on
        mirror = mirror_at(folder.path)
        if mirror:
            mirror.begin(folder)
        _announce(job, watcher)
        phases.end("plan")
        # before Ray starts, whose processes would inherit the signer's secrets with the environment
        ledger = open_ledger(settings.ledger, file=settings.store.ledger.absolute(), outbox=folder.outbox)
        with telling(folder, routes, settings=settings, watcher=watcher, passphrase=passphrase) as teller:
            collected = _run(folder, job, phases, package=package, keys=keys, settings=settings, watcher=watcher)
            if mirror:
                mirror.send(folder)
            finished = _anchor(folder, collected, ledger, keys)
            if mirror:
                mirror.send(folder)
            notices = teller.finish() if teller else None
        if mirror and finished.anchor:
            mirror.drop()
    return Screening(finished, job.late, job.resumed, notices)


def _anchor(folder: OutFolder, collected: Collected, ledger: Ledger, keys: KeyStore) -> Finished:
    """A ledger that is away or refuses costs no result: they are stored, and can be anchored later."""
    root = collected.root.hex()
    try:
        anchor = bind_job(folder, ledger, root=collected.root, count=collected.leaves, keys=keys)
    except LedgerError as problem:
        if folder.anchor.exists():
            raise
        return Finished(collected.manifest, root, None, problem)
    return Finished(collected.manifest, root, anchor)


def _announce(job: PlannedJob, watcher: Watcher) -> None:
    if job.resumed:
        watcher.says(f"going on with job {job.header.job[:12]}, planned {job.header.created}")
    if job.late:
        watcher.says(
            f"{job.late} input(s) turned up after this job's plan was frozen: they are not in it; "
            "screen them as another job with another --out folder"
        )


def _run(  # noqa: PLR0913 - the phases so far
    folder: OutFolder,
    job: PlannedJob,
    phases: Phases,
    *,
    package: ModelPackage,
    keys: KeyStore,
    settings: Settings,
    watcher: Watcher,
) -> Collected:
    mirror = mirror_at(folder.path)
    done = mirror.finished_shards() if mirror else folder.finished_shards()
    pending = [shard for shard in range(job.shards.count) if shard not in done]
    if not pending:
        return _finish_here(folder, job, package=package, keys=keys, actor=settings.audit.actor, watcher=watcher)
    from cluster.session import open_session

    watcher.says("starting Ray" if settings.cluster.address is None else "joining the Ray cluster")
    with open_session(settings.cluster) as session:
        phases.end("session")
        run = _RayRun(folder, job, package=package, session=session, settings=settings, watcher=watcher)
        task = make_task(folder, job, package=package, keys=keys, settings=settings)
        return run.run(task, sorted(done), pending, phases)


def _finish_here(
    folder: OutFolder, job: PlannedJob, *, package: ModelPackage, keys: KeyStore, actor: str | None, watcher: Watcher
) -> Collected:
    """All shards are there: what is left needs no cluster."""
    watcher.says("all shards are finished; proving and anchoring")
    collector = JobCollector(folder.path, keys=keys.folder, actor=actor)
    for shard in range(job.shards.count):
        counts = collector.add(shard)
    watcher.planned(job.shards.planned, done=job.shards.planned)
    watcher.progressed(counts)
    return collector.finish(run_facts(0, 0.0, resumed=job.shards.count, workers=0, package=package))


class _RayRun:
    """One run on an open session."""

    def __init__(
        self,
        folder: OutFolder,
        job: PlannedJob,
        *,
        package: ModelPackage,
        session: Session,
        settings: Settings,
        watcher: Watcher,
    ) -> None:
        from pipelines.results.actor import start_results_actor

        self._job, self._package, self._watcher = job, package, watcher
        self._workers = settings.cluster.workers or session.cpus
        self._actor: Any = start_results_actor(
            folder.path, keys=settings.store.keys.absolute(), node=session.node, actor=settings.audit.actor
        )

    def run(self, task: ScreenTask, done: Sequence[int], pending: Sequence[int], phases: Phases) -> Collected:
        import ray

        from pipelines.flows.dataset import screen_shards
        from pipelines.flows.mirrored import MirroredScreener
        from pipelines.flows.shard import ShardScreener

        self._collect(done)
        images = sum(self._job.shards.length(shard) for shard in pending)
        self._watcher.planned(self._job.shards.planned, done=self._job.shards.planned - images)
        start, times = time.perf_counter(), ShardTimes()
        waiting: list[Any] = []
        make = MirroredScreener if task.bucket else ShardScreener
        for shard in screen_shards(task, pending, workers=self._workers, times=times, screener=make):
            waiting.append(self._actor.add.remote(shard))
            ready, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=0)
            self._tell(ray.get(ready))
        wall_s = time.perf_counter() - start
        self._tell(ray.get(waiting))
        self._watcher.says("all shards are finished; proving and anchoring")
        facts = run_facts(images, wall_s, resumed=len(done), workers=self._workers, package=self._package)
        phase_s = {**phases.seconds, "pool": round(times.pool_s, 3)}
        facts = replace(facts, phase_s=phase_s, shard_s=times.summary())
        collected: Collected = ray.get(self._actor.finish.remote(facts))
        return collected

    def _tell(self, counts: Sequence[ShardCounts]) -> None:
        """The actor works in order: the last one told knows most."""
        for latest in counts[-1:]:
            self._watcher.progressed(latest)

    def _collect(self, done: Sequence[int]) -> None:
        import ray

        for start in range(0, len(done), _IN_FLIGHT):
            ray.get([self._actor.add.remote(shard) for shard in done[start : start + _IN_FLIGHT]])


def make_task(
    folder: OutFolder, job: PlannedJob, *, package: ModelPackage, keys: KeyStore, settings: Settings
) -> ScreenTask:
    """What workers are told of a job."""
    mirror = mirror_at(folder.path)
    return ScreenTask(
        job=job.header.job,
        out=folder.path,
        keys=keys.folder,
        model=package.folder.absolute(),
        model_digest=package.digest,
        shards=job.shards,
        scope=scope_of(package),
        policy=settings.admit,
        rule=decision_rule(package, settings.decide),
        batch_size=settings.predict.batch_size,
        bucket=mirror.url if mirror else "",
    )


def scope_of(package: ModelPackage) -> Scope:
    """What a model package declares that it is for."""
    about, in_units = package.metadata, package.recipe.reads_values
    return Scope(about.modalities, about.body_parts, about.spatial_dims, about.views, in_units=in_units)


def run_facts(images: int, wall_s: float, *, resumed: int, workers: int, package: ModelPackage) -> RunFacts:
    """What only the run itself knows, with the time of day."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return RunFacts(now, round(wall_s, 3), images, resumed_shards=resumed, workers=workers, seeds=find_seeds(package))


def find_seeds(package: ModelPackage) -> dict[str, int]:
    """Screening draws nothing at random but salts and keys; the network was trained from a seed."""
    provenance = json.loads((package.folder / PROVENANCE).read_bytes())
    seed = provenance.get("settings", {}).get("seed")
    return {} if seed is None else {"training": int(seed)}
