"""Killed between any two steps, everything is told at least once; and never twice by two at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pipelines.notify.lock import only_notifier
from pipelines.notify.queuefile import queue_place
from sievert.errors import DeliveryError
from tests.notices import SECRET, Ear, Receiver, seal_job, tell

ROOT = Path(__file__).parents[4]
EDGES = [
    f"{when}-{step}-{time}"
    for step, times in (("take", 2), ("add_updates", 1), ("sent", 3), ("escalate", 1), ("deliver", 3), ("log", 2))
    for when in ("before", "after")
    for time in range(1, times + 1)
]
FLAGGED = {0: "asap", 2: "urgent", 3: "routine", 5: "asap", 6: "routine"}
WANTED = {f"{index} {stage}" for index in FLAGGED for stage in ("stored", "anchored")} | {
    f"{index} escalated" for index, urgency in FLAGGED.items() if urgency == "asap"
}


def run(program: str, *arguments: object, timeout: float = 120) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    file = Path(__file__).with_name(program)
    done = subprocess.run(
        [sys.executable, str(file), *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_killed_at_any_edge_every_flagged_record_is_told_and_nothing_else(tmp_path: Path) -> None:
    told = json.loads(run("tell_and_die.py", tmp_path, *EDGES))
    assert {edge: one["code"] for edge, one in told.items()} == dict.fromkeys(EDGES, 9)
    assert {edge: set(one["told"]) ^ WANTED for edge, one in told.items() if set(one["told"]) != WANTED} == {}
    most = {edge: max(one["told"].values()) for edge, one in told.items()}
    assert max(most.values()) <= 2, most


@pytest.mark.chaos
def test_a_hundred_kills_lose_nothing_and_invent_nothing(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = json.loads(run("tell_until_killed.py", tmp_path, receiver.url, SECRET, 100, timeout=1200))
    wanted = {f"{one}-{stage}" for one in printed["flagged"] for stage in ("stored", "anchored")}
    told = Counter(receiver.ids)
    kills, amid, arrived = printed["kills"], printed["unfinished"], printed["sent"]
    with capsys.disabled():
        sys.stdout.write(f"\n{kills} kills, {amid} amid work, {arrived} arrived by then; ")
        sys.stdout.write(f"{len(wanted)} to tell, {len(told)} told, {told.total() - len(told)} repeats\n")
    assert set(told) == wanted
    assert kills == 100
    assert arrived


def test_two_notifiers_of_a_job_do_not_interfere_and_the_second_is_told_of_the_first(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95]), Ear()
    with only_notifier(_lock(tmp_path, job.job)), pytest.raises(DeliveryError) as told:
        tell(job, ear)
    assert f"process {os.getpid()} on" in told.value.message
    assert ear.heard == []
    tell(job, ear)
    assert len(ear.heard) == 1


def test_the_lock_of_a_notifier_that_was_killed_is_free(tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95])
    lock = _lock(tmp_path, job.job)
    process = multiprocessing.get_context("fork").Process(target=_hold_and_die, args=(lock,))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert tell(job, Ear()).sent == 1


def _lock(home: Path, job: str) -> Path:
    place = queue_place(home / "keys", job)
    place.parent.mkdir(exist_ok=True)
    return place.with_suffix(".lock")


def _hold_and_die(lock: Path) -> None:
    with only_notifier(lock):
        os._exit(9)
