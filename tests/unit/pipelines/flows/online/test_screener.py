from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from pipelines.flows.online.rolling import Roller, count_jobs
from pipelines.flows.online.screener import OnlineScreener
from pipelines.flows.online.sidecar import Sidecar
from pipelines.flows.online.starting import make_online_task
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.opening import open_records
from pipelines.results.outfolder import OutFolder
from pipelines.results.rolling.spool import find_spools
from pipelines.results.verifying import verify_job
from sievert.errors import ModelError, NetworkInputError, ServeError
from sievert.records import Reason
from tests.jobs import finish_job, settings_in

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pipelines.flows.online.terms import OnlineTask
    from sievert.records import Prediction


@pytest.fixture
def task(tmp_path: Path) -> OnlineTask:
    return make_online_task("default", tmp_path / "results", settings_in(tmp_path))


@pytest.fixture
def screener(task: OnlineTask) -> Iterator[OnlineScreener]:
    made = OnlineScreener(task)
    yield made
    made.stop()


def roller(tmp_path: Path) -> Roller:
    ledger = EmbeddedLedger(tmp_path / "ledger.sqlite")
    return Roller(tmp_path / "results", KeyStore(tmp_path / "keys"), lambda _: ledger)


def png(seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (90, 70), dtype=np.uint8)
    return cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 5) * 2)[1].tobytes()


def test_a_study_has_the_batchs_own_record(screener: OnlineScreener, tmp_path: Path) -> None:
    file = tmp_path / "study.png"
    file.write_bytes(png())
    job = finish_job([str(file)], tmp_path / "batch", settings=settings_in(tmp_path / "batch"))
    (batch,) = open_records(job.out, job.keys)
    online = screener.screen(png()).record
    own = {"job", "index", "record", "patient", "time"}
    for name in set(online) - own:
        assert online[name] == batch[name], name
    assert set(online) - {"time"} <= set(batch)


def test_studies_of_many_threads_are_all_kept_once(screener: OnlineScreener, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda seed: screener.screen(png(seed)).record, range(24)))
    assert sorted(answer["index"] for answer in answers) == list(range(24))
    screener.stop()
    assert roller(tmp_path).run_once() == 1
    out = OutFolder(next((tmp_path / "results").glob("*/job.json")).parent)
    assert verify_job(out, EmbeddedLedger(tmp_path / "ledger.sqlite")).verified == 24
    kept = {one["record"] for one in open_records(out, KeyStore(tmp_path / "keys"))}
    assert kept == {answer["record"] for answer in answers}


def test_what_is_no_picture_is_answered_with_its_reason_and_kept(screener: OnlineScreener) -> None:
    record = screener.screen(b"no picture").record
    assert (record["outcome"], record["reason"]) == ("quarantined", Reason.FORMAT_UNKNOWN.value)


def test_a_decoder_that_dies_costs_its_study_only(screener: OnlineScreener) -> None:
    first = screener._sidecars._all[0]._process
    os.kill(first.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(screener.screen, png())
        time.sleep(0.2)  # the study is on its way by then
        os.kill(first.pid, signal.SIGSEGV)
        os.kill(first.pid, signal.SIGCONT)
        assert waiting.result(30).record["reason"] == Reason.FORMAT_DECODER_CRASHED.value
    assert screener.screen(png()).record["outcome"] == "screened"


def test_a_job_is_closed_when_it_is_large_enough(task: OnlineTask, tmp_path: Path) -> None:
    screener = OnlineScreener(replace(task, roll_after_records=2))
    for seed in range(5):
        screener.screen(png(seed))
    assert roller(tmp_path).run_once() == 2
    assert len(find_spools(task.keys)) == 1
    screener.stop()
    assert roller(tmp_path).run_once() == 1
    assert count_jobs(tmp_path / "results", task.keys).unanchored == 0


def test_a_job_is_closed_when_it_is_old_enough_and_an_empty_one_is_not(task: OnlineTask) -> None:
    screener = OnlineScreener(replace(task, roll_after_s=0.0))
    screener.roll_if_due()
    assert not find_spools(task.keys)
    screener.screen(png())
    screener.roll_if_due()
    assert screener._job is None
    screener.stop()


def test_a_study_alone_and_one_among_others_get_the_same_answer(task: OnlineTask) -> None:
    screener = OnlineScreener(replace(task, threads_alone=2))
    alone = screener.screen(png()).record
    with screener._in_process.more():  # another request
        among = screener.screen(png()).record
    assert among["probability"] == pytest.approx(alone["probability"], abs=1e-5)
    assert screener.in_hand.count == screener._in_process.count == 0
    screener.stop()


def test_only_a_lone_request_gets_the_threads_of_the_whole_machine(
    task: OnlineTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    screener, asked = OnlineScreener(task), list[bool]()
    real = screener.casework.run

    def run(batch: NDArray[np.float32], *, alone: bool) -> list[Prediction]:
        asked.append(alone)
        return real(batch)

    monkeypatch.setattr(screener.casework, "run", run)
    tensor = np.zeros((1, *screener.shape), np.float32)
    screener.infer(tensor)
    with screener._in_process.more():  # of another model in the same process
        screener.infer(tensor)
    screener.infer(np.concatenate([tensor, tensor]))
    assert (asked[:2], any(asked[2:])) == ([True, False], False)
    screener.stop()


def test_a_study_that_outlasts_the_end_of_its_screener_leaves_no_job_open(
    screener: OnlineScreener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = screener._sidecars._all[0].admit

    def ended_meanwhile(*given: object) -> object:
        told = real(*given)  # type: ignore[arg-type]  # whatever it was asked
        screener.stop()
        return told

    monkeypatch.setattr(screener._sidecars._all[0], "admit", ended_meanwhile)
    record = screener.screen(b"no picture").record
    assert roller(tmp_path).run_once() == 1
    assert not find_spools(tmp_path / "keys")
    assert record["outcome"] == "quarantined"
    with pytest.raises(ServeError):
        screener.screen(png())


def test_a_screener_that_cannot_start_leaves_nothing_running(task: OnlineTask, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Sidecar] = []
    real = Sidecar._start

    def second_fails(one: Sidecar) -> subprocess.Popen[bytes]:
        if made:
            raise ServeError("no room")
        made.append(one)
        return real(one)

    monkeypatch.setattr(Sidecar, "_start", second_fails)
    before = threading.active_count()
    with pytest.raises(ServeError):
        OnlineScreener(replace(task, passes=2))
    assert made[0]._process.poll() is not None
    assert threading.active_count() <= before


def test_tensors_of_another_shape_or_kind_are_refused(screener: OnlineScreener) -> None:
    for wrong in (np.zeros((1, 1, 2, 2), np.float32), np.zeros((1, *screener.shape), np.float64)):
        with pytest.raises(NetworkInputError):
            screener.infer(wrong)  # type: ignore[arg-type]  # that is the point


def test_a_package_that_was_changed_is_not_served(task: OnlineTask) -> None:
    with pytest.raises(ModelError):
        OnlineScreener(replace(task, model_digest="0" * 64))


def test_a_ledger_that_is_away_is_told_and_asked_again(screener: OnlineScreener, tmp_path: Path) -> None:
    from sievert.errors import LedgerUnavailableError

    screener.screen(png())
    screener.stop()
    keys = KeyStore(tmp_path / "keys")

    def away(_: OutFolder) -> EmbeddedLedger:
        raise LedgerUnavailableError("the chain does not answer")

    failing = Roller(tmp_path / "results", keys, away)
    assert failing.run_once() == 0
    jobs = count_jobs(tmp_path / "results", keys.folder)
    assert (jobs.unanchored, jobs.problem) == (1, "anchoring a rolling job failed: the chain does not answer")
    assert roller(tmp_path).run_once() == 1
    assert count_jobs(tmp_path / "results", keys.folder).problem == ""
