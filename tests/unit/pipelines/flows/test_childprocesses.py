"""A task that kills its process costs itself, and nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from pipelines.flows.childprocesses import ChildProcesses

STATE: dict[str, int] = {}


def prepare(step: int) -> None:
    STATE["step"] = step


def work(task: int) -> int:
    if task in (5, 6):
        os.kill(os.getpid(), signal.SIGKILL)
    if task == 13:
        raise ValueError("thirteen")
    return task + STATE["step"]


def results(tasks: list[int]) -> list[int]:
    return sorted(ChildProcesses(work, prepare=prepare, arguments=(100,), children=2).run(tasks, lost=lambda one: -one))


@pytest.mark.timeout(60)
def test_every_task_has_one_result_and_those_that_kill_are_lost() -> None:
    assert results(list(range(12))) == sorted([100 + one for one in range(12) if one not in (5, 6)] + [-5, -6])


@pytest.mark.timeout(60)
def test_a_child_that_dies_before_the_next_task_is_handed_over_loses_no_task() -> None:
    def slowly() -> Iterator[int]:
        yield 5
        time.sleep(3)  # longer than the child takes to start and die
        yield from (1, 2)

    children = ChildProcesses(work, prepare=prepare, arguments=(100,), children=2)
    assert sorted(children.run(slowly(), lost=lambda one: -one)) == [-5, 101, 102]


def test_no_task_is_no_result() -> None:
    assert results([]) == []


@pytest.mark.timeout(60)
def test_an_error_of_the_work_is_the_callers() -> None:
    with pytest.raises(ValueError, match="thirteen"):
        results([1, 13])
