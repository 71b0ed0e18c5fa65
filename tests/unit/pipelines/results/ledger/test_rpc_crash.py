"""A process may die at every edge of the outbox: the next one goes on, and the job is anchored once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ledger_programs import HERE, start_python, word
from rpc_bench import ROOT, WRITER, RpcBench

from pipelines.results.ledger.rpc.outbox import State

pytest_plugins = ["rpc_fixtures"]

EDGES = [
    f"{when}-{step}" for step in ("begin", "keep", "send", "sent", "included", "final") for when in ("before", "after")
]
KNOWN_TO_THE_DISK = {
    "before-begin": State.STORED,
    "after-begin": State.ROOTED,
    "before-keep": State.ROOTED,
    "after-keep": State.SIGNED,
    "before-send": State.SIGNED,
    "after-send": State.SIGNED,
    "before-sent": State.SIGNED,
    "after-sent": State.SENT,
    "before-included": State.SENT,
    "after-included": State.INCLUDED,
    "before-final": State.INCLUDED,
    "after-final": State.FINAL,
}


def die(rpc: RpcBench, name: str) -> dict[str, Any]:
    jobs = [f"{edge}/{name}" for edge in EDGES]
    program = start_python(str(HERE / "die_at_edges.py"), rpc.anvil.url, rpc.contract, str(rpc.home), *jobs)
    output, errors = program.communicate(timeout=600)
    assert errors == ""
    told: dict[str, Any] = json.loads(output)
    assert {each["code"] for each in told.values()} == {9}
    assert {job.partition("/")[0]: each["state"] for job, each in told.items()} == KNOWN_TO_THE_DISK
    return told


def test_a_process_killed_at_any_edge_is_followed_by_one_that_sends_what_was_signed(rpc: RpcBench) -> None:
    with rpc.anvil.mining():
        told = die(rpc, "resumed")
    for job, each in told.items():
        assert [log["transactionHash"] for log in rpc.events(job.replace("/", " "))] == [each["anchored"]]
        assert each["kept"] in ([], [each["anchored"]])
    assert rpc.anvil.nonce(WRITER) == len(EDGES)


def resume_all(rpc: RpcBench, told: dict[str, Any]) -> None:
    for job in (job.replace("/", " ") for job in told):
        anchor = rpc.ledger(job).anchor(word(job), root=ROOT, count=5)
        assert [log["transactionHash"] for log in rpc.events(job)] == [anchor.transaction]
        assert rpc.outbox(job).state() == State.FINAL


def test_jobs_whose_processes_all_died_are_anchored_once_though_their_numbers_were_taken(rpc: RpcBench) -> None:
    with rpc.anvil.mining():
        resume_all(rpc, die(rpc, "later"))


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_a_hundred_killed_processes_lose_no_job_and_anchor_none_twice(
    rpc: RpcBench, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = 0
    with rpc.anvil.mining():
        for turn in range(9):
            told = die(rpc, f"turn {turn}")
            resume_all(rpc, told)
            killed += len(told)
    with capsys.disabled():
        print(f"\n{killed} processes killed, {killed} jobs anchored, none twice")  # noqa: T201 - the count is the claim
    assert killed >= 100
