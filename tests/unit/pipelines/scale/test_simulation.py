from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.flows.dataset import QUEUED
from pipelines.scale.simulation import shard_seconds, simulate
from pipelines.scale.workload import IN_HAND
from tests.unit.pipelines.scale.workloads import bare, workload

SIZES = st.sampled_from([16, 64, 256])
IMAGES = st.integers(1, 40_000)
NODES = st.integers(1, 60)


@given(images=IMAGES, size=SIZES, nodes=NODES, more=st.integers(1, 20), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_more_nodes_are_never_slower_where_nothing_fails_and_nothing_is_scarce(
    images: int, size: int, nodes: int, more: int, seed: int
) -> None:
    work = workload(images, size=size, straggler_share=0.05)
    few, many = (simulate(work.on(number), seed=seed, in_hand=1).makespan_s for number in (nodes, nodes + more))
    assert many <= few + 1e-6


@given(images=IMAGES, size=SIZES, nodes=NODES, seed=st.integers(0, 99), preempted=st.sampled_from([0.0, 30.0]))
@settings(max_examples=60, deadline=None)
def test_no_run_beats_its_work_on_all_workers_or_its_longest_shard(
    images: int, size: int, nodes: int, seed: int, preempted: float
) -> None:
    work = bare(images, size=size, nodes=nodes, preemptions_per_hour=preempted, replace_s=5)
    shard_s = shard_seconds(work, np.random.default_rng(seed))
    makespan_s = simulate(work, seed=seed).makespan_s
    assert makespan_s >= shard_s.sum() / (nodes * work.cluster.cpus) - 1e-6
    assert makespan_s >= shard_s.max() - 1e-6


@given(images=IMAGES, size=SIZES, nodes=NODES, seed=st.integers(0, 99), streams=st.sampled_from([None, 50.0]))
@settings(max_examples=60, deadline=None)
def test_every_shard_is_done_exactly_once_whatever_fails(
    images: int, size: int, nodes: int, seed: int, streams: float | None
) -> None:
    work = workload(
        images, size=size, nodes=nodes, preemptions_per_hour=60, replace_s=3, node_mb_s=40, store_mb_s=streams
    )
    run = simulate(work, seed=seed)
    assert (run.done == 1).all()
    assert len(run.done) == work.shards.count
    assert run.repeated <= run.failures * work.cluster.cpus


def test_failures_happen_and_cost_time() -> None:
    calm = simulate(workload(20_000, nodes=4))
    harsh = simulate(workload(20_000, nodes=4, preemptions_per_hour=60, replace_s=30))
    assert calm.failures == calm.repeated == 0
    assert harsh.failures > 0
    assert harsh.repeated > 0
    assert harsh.makespan_s > calm.makespan_s


@given(nodes=NODES, price=st.floats(0, 10))
@settings(max_examples=30, deadline=None)
def test_money_is_node_hours_times_price(nodes: int, price: float) -> None:
    run = simulate(workload(5_000, nodes=nodes, price_per_hour=price))
    assert run.node_hours == pytest.approx(nodes * run.makespan_s / 3600)
    assert run.cost == pytest.approx(run.node_hours * price)


def test_one_seed_gives_one_run_and_another_seed_another() -> None:
    work = workload(50_000, nodes=8, preemptions_per_hour=20, straggler_share=0.05)
    first, second, other = simulate(work, seed=3), simulate(work, seed=3), simulate(work, seed=4)
    assert (first.makespan_s, first.failures, first.repeated) == (second.makespan_s, second.failures, second.repeated)
    assert first.makespan_s != other.makespan_s


def test_shards_of_one_length_and_no_chance_take_their_rounds() -> None:
    work = bare(64 * 25, size=64, spread=0.0, nodes=1, cpus=4)
    assert simulate(work, in_hand=1).makespan_s == pytest.approx(ceil(25 / 4) * 64 * 0.025)


def test_the_store_gives_no_more_than_it_has() -> None:
    work = workload(100_000, nodes=50, node_mb_s=1000, store_mb_s=500)
    assert simulate(work).makespan_s >= work.costs.read_bytes * 100_000 / 500e6


def test_the_results_actor_bounds_a_job_on_many_nodes() -> None:
    few, many = (simulate(workload(1_000_000, size=256, nodes=nodes, cpus=16)) for nodes in (1, 1000))
    assert few.driver_busy < 0.05
    assert many.driver_busy > 0.75


def test_the_simulation_hands_out_shards_as_ray_data_is_told_to() -> None:
    assert IN_HAND == QUEUED
