"""One replica of a model: the network, admission beside it, and the routes below the model's own address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.api.app import model_app
from serve.hosting.layers import layered, open_guard
from serve.hosting.resident import Resident
from serve.operations.process import open_operations, watch_drift

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer
    from serve.hosting.resident import ReplicaTask
    from serve.operations.tracing import Carrier


class ModelReplica:
    """Wrapped by Ray Serve; the front reaches it through its handle, clients below `/v2/models/NAME`."""

    def __init__(self, task: ReplicaTask) -> None:
        self._task = task
        self._operations = open_operations(task.watch, task.model.name)
        drift = watch_drift(task.watch, task.model, self._operations.metrics)
        self._resident = Resident(task, self._operations, drift)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """The routes of this model."""
        self._resident.begin()
        settings = self._task.settings
        app = model_app(self._resident.backend, most_bytes=settings.max_tensor_bytes, allowed=require)
        most = settings.max_ongoing + settings.max_queued
        doors, guard = Doors(open_paths=frozenset()), open_guard(settings)
        return layered(app, settings, guard, most=most, doors=doors, operations=self._operations)

    async def screen(
        self, content: bytes, *, patient: str | None, shown: tuple[str, str] | None, trace: Carrier | None = None
    ) -> Answer:
        """Screen a study, for the front."""
        return await self._resident.screen(content, patient=patient, shown=shown, trace=trace)

    async def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the network, for the front."""
        return await self._resident.infer(images)

    def __del__(self) -> None:
        """Ray Serve calls it once a replica that is stopped has answered what it had in hand."""
        self._resident.stop()
        self._operations.stop()
