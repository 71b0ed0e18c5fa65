"""The shelf: models that are seldom asked share replicas, which hold a few of them open and change them as needed.

A request goes to a replica that has its model already, if there is one; the one that was asked longest ago makes room.

Source: model multiplexing of Ray Serve, docs.ray.io/en/latest/serve/model-multiplexing.html.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ray import serve

from pipelines.flows.online.batching import InHand
from serve.hosting.lineup import SHELF
from serve.hosting.resident import Resident
from serve.operations.process import open_operations, watch_drift
from sievert.errors import ModelError, ReplicaLostError, ServeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    from numpy.typing import NDArray

    from pipelines.flows.online.screener import Answer
    from serve.hosting.resident import ReplicaTask
    from serve.operations.process import WatchTask
    from serve.operations.tracing import Carrier


@dataclass(frozen=True, slots=True)
class ShelfTask:
    """What a replica of the shelf is told: plain values and paths, no secret.

    Attributes:
        models: Those that it may be asked for.
        watch: How the process is watched.
    """

    models: tuple[ReplicaTask, ...]
    watch: WatchTask


class ShelfReplica:
    """Wrapped by Ray Serve; only the front reaches it, with the model's name as the multiplexed model's id."""

    def __init__(self, task: ShelfTask) -> None:
        self._tasks = {one.model.name: one for one in task.models}
        self._operations = open_operations(task.watch, SHELF)
        metrics = self._operations.metrics
        self._drift = {one.model.name: watch_drift(task.watch, one.model, metrics) for one in task.models}
        self._in_hand = InHand()

    async def load(self, name: str) -> Resident:
        """Open a model; `holding` makes this give back one that is open.

        Raises:
            ReplicaLostError: It does not lie here: the front knows of another shelf, for a moment.
            ServeError: Its package is another than the service knows of.
        """
        if name not in self._tasks:
            raise ReplicaLostError("the shelf is being changed")
        resident = await asyncio.to_thread(self._make, name)
        resident.begin()
        return resident

    def _make(self, name: str) -> Resident:
        gc.collect()  # what made room: memory of a network is not Python's, and tells its collector nothing
        try:
            return Resident(self._tasks[name], self._operations, self._drift[name], in_process=self._in_hand)
        except ModelError as error:  # the package is at fault, and not what was sent
            raise ServeError(
                f"the model cannot be opened: {error.message}", remedy="Send the service SIGHUP once it is whole."
            ) from error

    async def screen(
        self, content: bytes, *, patient: str | None, shown: tuple[str, str] | None, trace: Carrier | None = None
    ) -> Answer:
        """Screen a study."""
        async with self._opened() as resident:
            return await resident.screen(content, patient=patient, shown=shown, trace=trace)

    async def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the network."""
        async with self._opened() as resident:
            return await resident.infer(images)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Resident]:
        """The model that is asked for, which stays open inside.

        Who asks may give up while it is being opened: it is opened all the same, or whoever else waits for it would
        open it a second time.
        """
        opening = asyncio.ensure_future(self._claimed(serve.get_multiplexed_model_id()))
        try:
            yield await asyncio.shield(opening)
        finally:
            opening.add_done_callback(_release)

    async def _claimed(self, name: str) -> Resident:
        resident = await self.load(name)
        resident.claim()  # at once: in the loop's next turn it might have to make room
        return resident

    def __del__(self) -> None:
        """Ray Serve calls it once what was in hand is answered, and lets go of the models then."""
        self._operations.stop()


def _release(opening: asyncio.Future[Resident]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().release()


def holding(most: int) -> type[ShelfReplica]:
    """The class of a replica that holds so many models open: Ray Serve wants the number when the class is made."""
    load = serve.multiplexed(max_num_models_per_replica=most)(ShelfReplica.load)
    return type("Shelf", (ShelfReplica,), {"load": load})
