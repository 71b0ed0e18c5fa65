from __future__ import annotations

import time

import pytest

from pipelines.flows.timekeeping import Phases, ShardTimes


def test_shards_are_summed_so_that_mean_and_deviation_can_be_told() -> None:
    times = ShardTimes()
    for seconds in (1.0, 3.0):
        times.add(seconds)
    assert times.summary() == {"count": 2, "sum": 4.0, "squares": 10.0, "longest": 3.0}


def test_the_wait_for_the_first_worker_is_what_its_shard_does_not_explain() -> None:
    times = ShardTimes()
    time.sleep(0.05)
    times.add(0.01)
    times.add(0.02)
    assert times.pool_s == pytest.approx(0.04, abs=0.03)


def test_a_phase_begins_where_the_last_one_ended() -> None:
    phases = Phases()
    time.sleep(0.03)
    phases.end("plan")
    phases.end("session")
    assert phases.seconds["plan"] >= 0.03
    assert phases.seconds["session"] < 0.02
