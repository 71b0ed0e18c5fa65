from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.flows.online.batching import Batcher

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_what_comes_while_a_batch_runs_goes_together_in_the_next() -> None:
    sizes: list[int] = []
    let = threading.Semaphore(0)

    def work(items: Sequence[int]) -> list[int]:
        let.acquire()
        return [item * 10 for item in items]

    batcher = Batcher(work, size=8, batches=sizes.append)
    waiting = [batcher.submit(number) for number in range(1)]
    while not sizes:
        pass
    waiting += [batcher.submit(number) for number in range(1, 12)]
    for _ in range(3):
        let.release()
    assert [one.result(5) for one in waiting] == [number * 10 for number in range(12)]
    assert sizes == [1, 8, 3]
    batcher.stop()


def test_an_error_is_told_to_each_who_waits_and_to_nobody_else() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        return list(items)

    batcher = Batcher(work, size=1)
    with pytest.raises(ValueError, match="three"):
        batcher(3)
    assert batcher(4) == 4
    batcher.stop()


def test_a_stopped_batcher_answers_what_waits_and_takes_nothing_further() -> None:
    batcher: Batcher[int, int] = Batcher(list, size=4)
    waiting = [batcher.submit(number) for number in range(9)]
    batcher.stop()
    assert [one.result(1) for one in waiting] == list(range(9))
    with pytest.raises(RuntimeError):
        batcher(1)


def test_a_wait_gathers_lone_items_that_come_close_together() -> None:
    sizes: list[int] = []
    batcher: Batcher[int, int] = Batcher(list, size=4, wait_s=2, batches=sizes.append)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(batcher, range(4))) == [0, 1, 2, 3]
    assert sizes == [4]
    batcher.stop()


def test_as_many_batches_run_at_once_as_there_are_lanes() -> None:
    both = threading.Barrier(2, timeout=5)

    def work(items: Sequence[int]) -> list[int]:
        both.wait()
        return list(items)

    batcher = Batcher(work, size=1, lanes=2)
    assert [one.result(5) for one in [batcher.submit(1), batcher.submit(2)]] == [1, 2]
    batcher.stop()


@given(st.integers(1, 4), st.integers(1, 5), st.lists(st.integers(), max_size=30))
@settings(max_examples=30, deadline=None)
def test_every_item_is_answered_once_whatever_lane_takes_it(lanes: int, size: int, items: list[int]) -> None:
    sizes: list[int] = []
    batcher: Batcher[int, int] = Batcher(list, size=size, lanes=lanes, batches=sizes.append)
    waiting = [batcher.submit(item) for item in items]
    batcher.stop()
    assert [one.result(1) for one in waiting] == items
    assert sum(sizes) == len(items)
    assert all(1 <= each <= size for each in sizes)
