"""Claims about shards whose files are kept in a bucket."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from models.package import load_package
from pipelines.flows.mirrored import MirroredScreener
from pipelines.flows.planning import find_cohort, plan_job
from pipelines.flows.screen import make_task
from pipelines.flows.shard import ShardScreener
from pipelines.results.collector import JobCollector
from pipelines.results.custody.creating import create_key_store
from pipelines.results.mirror import open_mirror
from pipelines.results.outfolder import OutFolder, locked_out_folder
from pipelines.results.shardfile import read_footer
from sievert.errors import IntegrityError
from tests.buckets import BUCKET, run_store
from tests.jobs import settings_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.flows.task import ScreenTask
    from pipelines.results.keystore import KeyStore
    from sievert.records import ShardCounts


@pytest.fixture
def planned(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ScreenTask, KeyStore]]:
    settings, package, inputs = settings_in(tmp_path), load_package("default"), [str(pictures)]
    for store in run_store():
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        mirror = open_mirror(f"s3://{BUCKET}/{uuid4().hex}", tmp_path / "driver")
        with locked_out_folder(mirror.folder) as out:
            keys = create_key_store(settings.store.keys)
            found = find_cohort(inputs, out)
            job = plan_job(out, inputs, found=found, package=package, keys=keys, settings=settings)
            mirror.begin(out)
            yield make_task(out, job, package=package, keys=keys, settings=settings), keys


def on_node(task: ScreenTask, folder: Path) -> ScreenTask:
    """The task on another machine, where nothing is yet."""
    return replace(task, out=folder / task.out.name)


def test_a_node_with_nothing_screens_and_the_driver_finds_it_all(
    planned: tuple[ScreenTask, KeyStore], tmp_path: Path
) -> None:
    task, _ = planned
    nodes = [MirroredScreener(on_node(task, tmp_path / name)) for name in ("one", "two")]
    for shard in range(task.shards.count):
        nodes[shard % 2].screen(shard)
    collector = JobCollector(task.out, keys=task.keys)
    counts = [collector.add(shard) for shard in range(task.shards.count)][-1]
    assert (counts.planned, counts.screened) == (26, 21)


class Ahead:
    """A screener that is overtaken by one on another node while it works."""

    def __init__(self, task: ScreenTask, other: MirroredScreener) -> None:
        self._out, self._inner, self._other, self.lost = OutFolder(task.out), ShardScreener(task), other, ""

    def screen(self, shard: int) -> ShardCounts:
        counts = self._inner.screen(shard)
        if not self.lost:
            self.lost = read_footer(self._out.shard(shard)).attempt
            self._other.screen(shard)
        return counts


def test_of_two_attempts_at_a_shard_one_is_kept_and_its_keys_alone(
    planned: tuple[ScreenTask, KeyStore], tmp_path: Path
) -> None:
    task, keys = planned
    first, second = (on_node(task, tmp_path / name) for name in ("one", "two"))
    slow = MirroredScreener(second, make=lambda task: Ahead(task, MirroredScreener(first)))
    there = slow.screen(0)
    lost = slow._inner.lost  # type: ignore[attr-defined] # of `Ahead`
    kept = read_footer(OutFolder(second.out).shard(0)).attempt
    assert kept == read_footer(OutFolder(first.out).shard(0)).attempt != lost
    assert there.planned == task.shards.length(0)
    assert list(keys.data_keys(task.job, shard=0, attempt=kept).keys)
    assert not [file for file in keys.folder.rglob("*") if lost in file.name]


def test_an_attempt_whose_answer_was_lost_is_not_taken_for_anothers(
    planned: tuple[ScreenTask, KeyStore], tmp_path: Path
) -> None:
    task, keys = planned
    screener = MirroredScreener(on_node(task, tmp_path / "one"))
    counts = screener.screen(0)
    assert screener._yield_to_other(0) == counts
    attempt = read_footer(OutFolder(tmp_path / "one" / task.out.name).shard(0)).attempt
    assert list(keys.data_keys(task.job, shard=0, attempt=attempt).keys)


def test_a_job_that_is_not_in_the_bucket_is_no_job(planned: tuple[ScreenTask, KeyStore], tmp_path: Path) -> None:
    task, _ = planned
    elsewhere = open_mirror(f"s3://{BUCKET}/nothing", tmp_path / "one")
    with pytest.raises(IntegrityError, match="does not hold the job"):
        MirroredScreener(replace(task, out=elsewhere.folder, bucket=elsewhere.url))


def test_what_an_earlier_job_left_on_a_node_is_not_taken_for_this_ones(
    planned: tuple[ScreenTask, KeyStore], tmp_path: Path
) -> None:
    task, _ = planned
    node = on_node(task, tmp_path / "one")
    left = OutFolder(open_mirror(task.bucket, tmp_path / "one").folder)
    left.results.mkdir()
    for file in (left.job, left.plan, left.shard(0)):
        file.write_bytes(b"of an earlier job at the same place")
    counts = MirroredScreener(node).screen(0)
    assert counts.planned == task.shards.length(0)
    assert read_footer(left.shard(0)).job == task.job


def test_what_a_killed_worker_left_beside_the_driver_is_not_collected(
    planned: tuple[ScreenTask, KeyStore], tmp_path: Path
) -> None:
    task, _ = planned
    ShardScreener(task).screen(0)  # committed on the driver's machine, and killed before it was sent
    lost = read_footer(OutFolder(task.out).shard(0)).attempt
    collector = JobCollector(task.out, keys=task.keys)
    with pytest.raises(IntegrityError, match="not in the bucket"):
        collector.add(0)
    MirroredScreener(on_node(task, tmp_path / "one")).screen(0)
    collector.add(0)
    assert read_footer(OutFolder(task.out).shard(0)).attempt != lost


def test_a_node_whose_plan_is_missing_or_damaged_fetches_it_again(
    planned: tuple[ScreenTask, KeyStore], tmp_path: Path
) -> None:
    task, _ = planned
    node = on_node(task, tmp_path / "one")
    out, mirror = OutFolder(node.out), open_mirror(task.bucket, tmp_path / "one")
    mirror.adopt(task.job)
    for spoil in (out.plan.unlink, lambda: out.plan.write_bytes(b"half")):
        spoil()
        mirror.adopt(task.job)
        assert out.plan.read_bytes() == OutFolder(task.out).plan.read_bytes()


def test_a_run_that_died_between_plan_and_header_goes_on(planned: tuple[ScreenTask, KeyStore]) -> None:
    task, _ = planned
    out, mirror = OutFolder(task.out), open_mirror(task.bucket, task.out.parent)
    bucket, _, prefix = task.bucket.removeprefix("s3://").partition("/")
    mirror.bucket._client.delete_object(Bucket=bucket, Key=f"{prefix}/job.json")
    mirror._forget(mirror.bucket.tags())  # what `refresh` does, but for the lock that this job holds
    mirror.begin(out)
    assert {"job.json", "plan.parquet"} == mirror.bucket.tags().keys()
