"""Jobs for tests: the plain functions of the flow, called one after another without Ray."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.package import load_package
from pipelines.flows.planning import find_cohort, plan_job
from pipelines.flows.screen import make_task, run_facts
from pipelines.flows.shard import ShardScreener
from pipelines.results.binding import Finished, bind_job
from pipelines.results.collector import JobCollector
from pipelines.results.custody.creating import create_key_store
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger, open_ledger
from pipelines.results.outfolder import OutFolder, locked_out_folder
from sievert.settings import CohortSettings, Settings, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.package import ModelPackage


@dataclass(frozen=True)
class Job:
    """A job of a test."""

    out: OutFolder
    settings: Settings
    finished: Finished | None = None

    @property
    def keys(self) -> KeyStore:
        return KeyStore(self.settings.store.keys)

    @property
    def ledger(self) -> EmbeddedLedger:
        return EmbeddedLedger(self.settings.store.ledger)

    def copied(self, folder: Path) -> Job:
        shutil.copytree(self.out.path, folder)
        return replace(self, out=OutFolder(folder))


def settings_in(home: Path) -> Settings:
    """Settings with keys and ledger in a folder of the test's."""
    store = StoreSettings(keys=home / "keys", ledger=home / "ledger.sqlite")
    return Settings(store=store, cohort=CohortSettings(shard_size=8))


def finish_job(
    inputs: Sequence[str], home: Path, *, settings: Settings | None = None, package: ModelPackage | None = None
) -> Job:
    """Plan, screen, collect and anchor."""
    settings = settings or settings_in(home)
    package = package or load_package("default")
    with locked_out_folder(home / "out") as out:
        keys = create_key_store(settings.store.keys)
        found = find_cohort(inputs, out)
        job = plan_job(out, inputs, found=found, package=package, keys=keys, settings=settings)
        screener = ShardScreener(make_task(out, job, package=package, keys=keys, settings=settings))
        collector = JobCollector(out.path, keys=keys.folder)
        for shard in range(job.shards.count):
            screener.screen(shard)
            collector.add(shard)
        done = collector.finish(run_facts(job.shards.planned, 1.0, resumed=0, workers=1, package=package))
        ledger = open_ledger(settings.ledger, file=settings.store.ledger)
        anchor = bind_job(out, ledger, root=done.root, count=done.leaves, keys=keys)
    return Job(out, settings, Finished(done.manifest, done.root.hex(), anchor))
