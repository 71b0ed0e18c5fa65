"""The shelf without Ray: what stands for its multiplexing holds one model open, and closes it as Ray does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from serve.hosting.lineup import replica_task
from serve.hosting.shelf import ShelfReplica, ShelfTask
from serve.operations.process import watch_task
from sievert.errors import ReplicaLostError, ServeError
from tests.jobs import settings_in
from tests.packages import make_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serve.hosting.resident import ReplicaTask, Resident


class OneOpen(ShelfReplica):
    """Holds one; a load that somebody waits for begins before whoever has the model gets a turn."""

    name, model, made = "", None, 0

    def _make(self, name: str) -> Resident:
        self.made += 1
        return super()._make(name)

    async def load(self, name: str) -> Resident:
        if not hasattr(self, "lock"):
            self.lock = asyncio.Lock()
        async with self.lock:
            if self.model is None or self.name != name:
                if self.model is not None:
                    await asyncio.get_running_loop().run_in_executor(None, self.model.stop)
                self.model, self.name = await super().load(name), name
            return self.model


@pytest.fixture
def tasks(tmp_path: Path) -> list[ReplicaTask]:
    settings = settings_in(tmp_path)
    watch = watch_task(settings, tmp_path / "own", environment={})
    for name, weight in (("a", 1.0), ("b", 2.0)):
        make_package(tmp_path / name, np.array([[0.0], [weight]], np.float32), shape=(4, 4))
    return [replica_task(tmp_path / name, tmp_path / "online", settings, watch) for name in ("a", "b")]


@pytest.fixture
def replica(tasks: list[ReplicaTask]) -> Iterator[OneOpen]:
    made = OneOpen(ShelfTask(tuple(tasks), tasks[0].watch))
    yield made
    if made.model is not None:
        made.model.stop()


async def ask(replica: OneOpen, name: str, monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr("ray.serve.get_multiplexed_model_id", lambda: name)
    return float((await replica.infer(np.ones((1, 1, 4, 4), np.float32)))[0, 1])


def chance(weight: float) -> float:
    return float(1 / (1 + np.exp(-weight)))


def test_requests_for_models_by_turns_are_all_answered_by_theirs(
    replica: OneOpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_at_once() -> list[float]:
        asked = []
        for turn in range(8):
            asked.append(asyncio.ensure_future(ask(replica, "ab"[turn % 2], monkeypatch)))
            await asyncio.sleep(0)  # it has read which model is meant
        return list(await asyncio.gather(*asked))

    found = asyncio.run(all_at_once())
    assert found == pytest.approx([chance(1 + turn % 2) for turn in range(8)], abs=1e-5)


def test_who_gives_up_while_a_model_is_opened_leaves_it_open_for_the_next(
    replica: OneOpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_gives_up() -> float:
        first = asyncio.ensure_future(ask(replica, "a", monkeypatch))
        await asyncio.sleep(0.01)
        first.cancel()
        found = await ask(replica, "a", monkeypatch)
        await asyncio.sleep(0)
        assert replica.model is not None
        assert replica.model._claims == 0
        return found

    assert asyncio.run(one_gives_up()) == pytest.approx(chance(1), abs=1e-5)
    assert replica.made == 1


def test_who_asks_a_replica_of_the_shelf_of_before_is_to_ask_again(
    replica: OneOpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ReplicaLostError):
        asyncio.run(ask(replica, "c", monkeypatch))


def test_a_package_that_was_changed_meanwhile_is_the_services_fault_and_not_the_senders(
    tasks: list[ReplicaTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(tasks[0], online=replace(tasks[0].online, model_digest="0" * 64))
    made = OneOpen(ShelfTask((changed,), changed.watch))
    with pytest.raises(ServeError):
        asyncio.run(ask(made, "a", monkeypatch))
