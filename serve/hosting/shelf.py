"""The shelf: models that are seldom asked share replicas, which hold a few of them open and change them as needed.

A request goes to a replica that has its model already, if there is one; the one that was asked longest ago makes room.

Source: model multiplexing of Ray Serve, docs.ray.io/en/latest/serve/model-multiplexing.html.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ray import serve

from pipelines.flows.online.batching import InHand
from serve.hosting.resident import Resident
from serve.operations.process import open_operations, watch_drift
from sievert.errors import ModelMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.flows.online.screener import Answer
    from serve.hosting.resident import ReplicaTask
    from serve.operations.process import WatchTask
    from serve.operations.tracing import Carrier

SHELF = "shelf"


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
            ModelError: The package is not the one that the service was started with, or lies here no more.
        """
        if name not in self._tasks:
            raise ModelMissingError("the model has been taken off the shelf")
        make = partial(Resident, in_process=self._in_hand)
        resident = await asyncio.to_thread(make, self._tasks[name], self._operations, self._drift[name])
        resident.begin()
        return resident

    async def _open(self) -> Resident:
        """The model that is asked for. Who asks may give up meanwhile: the others' model is opened all the same."""
        name = serve.get_multiplexed_model_id()
        await asyncio.shield(self.load(name))
        return await self.load(name)  # at once; between the two it may have had to make room

    async def screen(
        self, content: bytes, *, patient: str | None, shown: tuple[str, str] | None, trace: Carrier | None = None
    ) -> Answer:
        """Screen a study."""
        resident = await self._open()
        return await resident.screen(content, patient=patient, shown=shown, trace=trace)

    async def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the network."""
        resident = await self._open()
        return await resident.infer(images)

    def __del__(self) -> None:
        """Ray Serve calls it once what was in hand is answered; then it lets go of the models."""
        self._operations.stop()


def holding(most: int) -> type[ShelfReplica]:
    """The class of a replica that holds so many models open: Ray Serve wants the number when the class is made."""
    load = serve.multiplexed(max_num_models_per_replica=most)(ShelfReplica.load)
    return type("Shelf", (ShelfReplica,), {"load": load})
