"""A job is finished and anchored by one at a time, and whoever comes second finds it done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from typing import TYPE_CHECKING

import pytest

from models.package import load_package
from pipelines.flows.screen import run_facts
from pipelines.results.binding import bind_job
from pipelines.results.collector import JobCollector
from pipelines.results.outfolder import finishing
from tests.jobs import finish_job

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs import Job


def finish(job: Job) -> str:
    collector = JobCollector(job.out.path, keys=job.keys.folder)
    collector.add(0)
    collected = collector.finish(run_facts(0, 0.0, resumed=1, workers=0, package=load_package("default")))
    return str(bind_job(job.out, job.ledger, root=collected.root, count=collected.leaves, keys=job.keys)["root"])


@pytest.fixture
def collected(tmp_path: Path, pictures: Path) -> Job:
    """A job whose shards are there and whose end is not, as a killed run leaves it."""
    job = finish_job([str(pictures / "00.png")], tmp_path)
    for file in (job.out.files, job.out.anchor, job.out.quarantine, job.out.manifest, job.out.report):
        file.unlink()
    job.settings.store.ledger.unlink()
    return job


def test_the_end_of_a_job_waits_for_a_killed_runs_actor_that_still_finishes_it(collected: Job) -> None:
    with ThreadPoolExecutor(1) as pool:
        with finishing(collected.out):
            waiting = pool.submit(finish, collected)
            with pytest.raises(NotYetError):
                waiting.result(timeout=0.3)
            collected.out.drop_work()  # the last thing that the first one does
        root = waiting.result(timeout=30)
    assert root == finish(collected)
    assert collected.out.anchor.exists()
    assert not collected.out.work.exists()


def test_two_that_finish_a_job_at_once_anchor_one_root(collected: Job) -> None:
    with ThreadPoolExecutor(2) as pool:
        roots = set(pool.map(finish, [collected] * 2))
    assert len(roots) == 1
