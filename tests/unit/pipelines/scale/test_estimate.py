from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.scale.costs import Memory
from pipelines.scale.estimate import best_size, by_nodes, estimate, footprint
from pipelines.scale.simulation import simulate
from sievert.branchplan import EXAMPLES
from tests.unit.pipelines.scale.workloads import workload

IMAGES = st.integers(1, 10**8)
NODES = st.integers(1, 1000)
GIB = 2**30


@given(images=IMAGES, nodes=NODES, price=st.floats(0, 10), name=st.sampled_from(sorted(EXAMPLES)))
@settings(max_examples=100, deadline=None)
def test_the_expectation_lies_in_its_interval_and_money_is_node_hours_times_price(
    images: int, nodes: int, price: float, name: str
) -> None:
    profile = EXAMPLES[name].model_copy(update={"nodes": nodes, "price_per_hour": price})
    told = estimate(replace(workload(images), cluster=profile))
    assert 0 <= told.low_s < told.seconds < told.high_s
    assert told.node_hours == pytest.approx(nodes * told.seconds / 3600)
    assert told.cost == pytest.approx(told.node_hours * price)
    assert told.shards * told.shard_size >= images


@given(images=st.integers(1, 10**7), factor=st.integers(2, 10), nodes=st.integers(1, 100))
@settings(max_examples=100, deadline=None)
def test_ten_times_the_images_take_longer_and_a_dearer_image_too(images: int, factor: int, nodes: int) -> None:
    small = workload(images, size=64, nodes=nodes)
    slow = replace(small.costs, stage_s={name: 2 * one for name, one in small.costs.stage_s.items()})
    assert estimate(workload(images * factor, size=64, nodes=nodes)).seconds > estimate(small).seconds
    assert estimate(replace(small, costs=slow)).seconds > estimate(small).seconds


@pytest.mark.parametrize("images", [10**6, 10**7])
@pytest.mark.parametrize("nodes", [1, 10, 100, 1000])
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_reckoning_agrees_with_the_simulation(images: int, nodes: int, name: str) -> None:
    work = replace(workload(images), cluster=EXAMPLES[name]).on(nodes)
    assert estimate(work).seconds == pytest.approx(simulate(work).makespan_s, rel=0.10)


def test_what_bounds_a_job_is_named() -> None:
    one, many = by_nodes(workload(10**7, cpus=16), [1, 1000])
    assert (one.bound, many.bound) == ("workers", "driver")
    assert estimate(workload(10**6, nodes=100, node_mb_s=1000, store_mb_s=200)).bound == "store"
    assert estimate(workload(100)).bound == "start"


def test_a_gpu_makes_the_network_faster_and_nothing_else() -> None:
    work = workload(gpu_speedup=100)
    assert work.image_s == pytest.approx(0.024 + 0.001 / 100)
    assert workload(speed=2).image_s == pytest.approx(0.0125)


def test_the_best_shard_size_is_no_slower_than_any_other() -> None:
    work = workload(10**6, nodes=50, cpus=16)
    best = estimate(work.cut(best_size(work))).seconds
    assert all(best <= estimate(work.cut(size)).seconds * 1.011 for size in (16, 64, 256, 1024))
    assert best < estimate(work).seconds


def test_memory_of_the_driver_grows_with_shards_and_that_of_a_worker_with_their_size() -> None:
    small, large, huge = (footprint(workload(images), session_bytes=GIB) for images in (10**3, 10**6, 10**8))
    kept = Memory()
    assert kept.driver < small.driver < 1.05 * kept.driver
    assert large.driver == kept.driver + 977 * kept.dispatched
    assert huge.driver == kept.planning * 10**8 > large.driver  # planning needs more than all shards' leavings
    assert large.read == 4e5 * 10**6
    assert large.written == 3300 * 10**6
    assert small.worker < large.worker < 200 * 2**20
    assert large.node >= large.worker + large.driver + large.actor + GIB
