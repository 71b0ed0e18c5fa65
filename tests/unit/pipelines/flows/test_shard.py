from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.package import load_package
from pipelines.flows.journal import ShardJournal
from pipelines.flows.planning import PlannedJob, find_cohort, plan_job
from pipelines.flows.screen import make_task
from pipelines.flows.shard import ShardScreener
from pipelines.flows.task import ScreenTask
from pipelines.results.custody.creating import create_key_store
from pipelines.results.opening import open_records
from pipelines.results.outfolder import OutFolder, locked_out_folder
from pipelines.results.shardfile import read_shard
from sievert.errors import DiskFullError, ModelError
from sievert.records import Outcome, Prediction, Reason
from tests.jobs import Job, settings_in


@pytest.fixture
def planned(tmp_path: Path, pictures: Path) -> tuple[ScreenTask, Job]:
    settings, package = settings_in(tmp_path), load_package("default")
    with locked_out_folder(tmp_path / "out") as out:
        keys = create_key_store(settings.store.keys)
        inputs = [str(pictures)]
        job: PlannedJob = plan_job(
            out, inputs, found=find_cohort(inputs, out), package=package, keys=keys, settings=settings
        )
        return make_task(out, job, package=package, keys=keys, settings=settings), Job(out, settings)


def test_every_planned_input_ends_screened_or_quarantined_at_its_own_leaf(planned: tuple[ScreenTask, Job]) -> None:
    task, job = planned
    screener = ShardScreener(task)
    counts = [screener.screen(shard) for shard in range(task.shards.count)]
    rows = [row for shard in range(task.shards.count) for row in read_shard(job.out.shard(shard)).rows]
    assert [row.index for row in rows] == list(range(26))
    assert sum(count.screened for count in counts) == sum(row.outcome == Outcome.SCREENED for row in rows) == 21
    assert sorted(row.reason for row in rows if row.reason) == sorted(
        [
            Reason.FORMAT_UNKNOWN,
            Reason.FORMAT_EMPTY,
            Reason.FORMAT_TRUNCATED,
            Reason.COMPLIANCE_BLANK,
            Reason.COMPLIANCE_COLOUR,
        ]
    )


def test_a_committed_shard_is_not_done_again(planned: tuple[ScreenTask, Job]) -> None:
    task, job = planned
    first = ShardScreener(task).screen(0)
    content = job.out.shard(0).read_bytes()
    assert ShardScreener(task).screen(0) == first
    assert job.out.shard(0).read_bytes() == content


def test_of_two_attempts_at_a_shard_one_stays_with_its_keys(planned: tuple[ScreenTask, Job]) -> None:
    task, job = planned
    one, two = ShardScreener(task), ShardScreener(task)
    rival = ShardJournal(job.out.work, 0)
    assert one._commit(0, rival) is not None
    assert two._commit(0, rival) is None
    assert len(list((job.settings.store.keys / "jobs" / task.job).glob("*.parquet"))) == 1
    opened = list(open_records(job.out, job.keys))
    assert [record["index"] for record in opened] == list(range(8))
    assert list(job.out.work.glob("*.parquet")) == []


def test_two_runs_of_a_plan_decrypt_to_the_same(planned: tuple[ScreenTask, Job]) -> None:
    task, job = planned
    screener = ShardScreener(task)
    screener.screen(1)
    first, content = list(open_records(job.out, job.keys)), job.out.shard(1).read_bytes()
    job.out.shard(1).unlink()
    screener.screen(1)
    assert list(open_records(job.out, job.keys)) == first
    assert job.out.shard(1).read_bytes() != content


def test_an_input_that_killed_its_worker_costs_its_own_row_only(planned: tuple[ScreenTask, Job]) -> None:
    task, job = planned
    journal = ShardJournal(job.out.work, 0)
    journal.at(5)
    journal.close(finished=False)
    tried: list[int] = []

    def dies(one: object, **_: object) -> bool:
        tried.append(one.index)  # type: ignore[attr-defined]  # a PlannedInput
        return False

    counts = ShardScreener(task, may_be_tried=dies).screen(0)
    assert tried == [5]
    assert counts.reasons == {Reason.FORMAT_DECODER_CRASHED: 1}
    assert read_shard(job.out.shard(0)).rows[5].reason == Reason.FORMAT_DECODER_CRASHED
    assert list(job.out.work.glob("*.at")) == []


def test_an_input_at_which_a_run_was_merely_killed_is_screened(planned: tuple[ScreenTask, Job]) -> None:
    task, job = planned
    journal = ShardJournal(job.out.work, 0)
    journal.at(5)
    journal.close(finished=False)
    assert ShardScreener(task).screen(0).quarantined == 0


def test_a_full_disk_ends_the_shard_and_leaves_no_half_of_it(
    planned: tuple[ScreenTask, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = planned

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pipelines.results.shardfile.pq.write_table", full)
    with pytest.raises(DiskFullError):
        ShardScreener(task).screen(0)
    assert OutFolder(task.out).finished_shards() == set()
    monkeypatch.undo()
    assert ShardScreener(task).screen(0).planned == 8


def test_a_model_that_changed_since_the_plan_is_refused(planned: tuple[ScreenTask, Job]) -> None:
    task, _ = planned
    with pytest.raises(ModelError, match="changed"):
        ShardScreener(replace(task, model_digest="0" * 64))


def test_a_task_holds_no_secret(planned: tuple[ScreenTask, Job]) -> None:
    import pickle

    task, job = planned
    content = pickle.dumps(task)
    assert job.keys.identity_key not in content
    assert job.keys.private.private_bytes_raw() not in content


def test_records_of_flagged_images_carry_their_map_and_no_pixels(planned: tuple[ScreenTask, Job]) -> None:
    from pipelines.results.explanation import read_explanation

    task, job = planned
    ShardScreener(task).screen(0)
    for record in open_records(job.out, job.keys):
        if record["flagged"]:
            heat = read_explanation(record["explanation"])
            assert 0 <= heat.min() <= heat.max() <= 1
        else:
            assert record["explanation"] is None
        assert len(str(record)) < 4000


def test_an_input_that_ends_every_attempt_is_given_up_though_admission_survives_it(
    planned: tuple[ScreenTask, Job],
) -> None:
    task, job = planned
    for _ in range(3):
        journal = ShardJournal(job.out.work, 0)
        journal.at(5)
        journal.close(finished=False)
    assert journal.deaths == 2
    assert ShardScreener(task, may_be_tried=lambda *_, **__: True).screen(0).reasons == {
        Reason.FORMAT_DECODER_CRASHED: 1
    }


def test_a_probability_that_is_no_number_is_quarantined(
    planned: tuple[ScreenTask, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = planned
    screener = ShardScreener(task)

    def no_number(batch: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[Prediction]:
        return [Prediction(np.full(2, np.nan, np.float32), np.eye(3, dtype=np.float32)[None]) for _ in batch]

    monkeypatch.setattr(screener._casework, "predict", lambda batch: no_number(np.zeros(len(batch), np.float32)))
    assert screener.screen(0).reasons == {Reason.FEATURES_NOT_FINITE: 8}
