from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pipelines.results.rolling.spool import find_spools
from serve.hosting.lineup import replica_task
from serve.hosting.resident import Resident
from serve.operations.process import open_operations, watch_drift, watch_task
from tests.jobs import settings_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def resident(tmp_path: Path) -> Iterator[Resident]:
    plain = settings_in(tmp_path)
    settings = plain.model_copy(update={"serve": plain.serve.model_copy(update={"state": tmp_path / "state"})})
    watch = watch_task(settings, tmp_path / "own", environment={})
    task = replica_task("default", tmp_path / "online", settings, watch)
    operations = open_operations(watch, "test")
    made = Resident(task, operations, watch_drift(watch, task.model, operations.metrics))
    yield made
    made.stop()
    operations.stop()


def test_a_model_that_must_make_room_answers_what_it_has_in_hand(
    resident: Resident, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert resident._screener is not None
    begun, real = threading.Event(), resident._screener.casework.conclude

    def slow(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the real one
        begun.set()
        time.sleep(0.5)
        return real(*given, **named)

    monkeypatch.setattr(resident._screener.casework, "conclude", slow)

    async def both() -> dict[str, Any]:
        resident.begin()
        asked = asyncio.create_task(resident.screen(b"no picture", patient=None, shown=None))
        await asyncio.to_thread(begun.wait)
        await asyncio.to_thread(resident.stop)
        assert asked.done()
        return (await asked).record

    assert asyncio.run(both())["outcome"] == "quarantined"
    assert len(find_spools(tmp_path / "keys")) == 1


def test_a_model_that_somebody_is_about_to_ask_does_not_stop(resident: Resident) -> None:
    resident.claim()
    stopping = threading.Thread(target=resident.stop)
    stopping.start()
    time.sleep(0.3)
    assert stopping.is_alive()
    resident.release()
    stopping.join(10)
    assert not stopping.is_alive()
    resident.stop()  # Ray's collector calls it once more
    with pytest.raises(RuntimeError):
        asyncio.run(resident.infer(np.zeros((1, 1, 28, 28), np.float32)))


def test_a_model_that_has_made_room_holds_no_network(resident: Resident) -> None:
    assert resident._screener is not None

    async def used() -> None:
        resident.begin()
        await resident.infer(np.zeros((1, 1, 28, 28), np.float32))
        await asyncio.to_thread(resident.stop)

    asyncio.run(used())
    network = weakref.ref(resident._screener.casework)
    gc.collect()
    gc.disable()
    try:
        resident.backend = resident._screener = None  # type: ignore[assignment]  # nobody has it any more
        assert network() is None
    finally:
        gc.enable()
