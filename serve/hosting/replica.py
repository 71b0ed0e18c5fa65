"""One replica of a model: the network, admission beside it, and the routes below the model's own address."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.flows.online.screener import OnlineScreener
from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.api.app import model_app
from serve.api.backend import LocalBackend
from serve.hosting.layers import layered, open_guard
from serve.operations.process import observed_replica, open_operations, watch_drift
from sievert.errors import SievertError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer, OnlineTask
    from serve.api.backend import ServedModel
    from serve.operations.process import WatchTask
    from serve.operations.tracing import Carrier
    from sievert.settings import ServeSettings

_ROLL_S = 1.0


@dataclass(frozen=True, slots=True)
class ReplicaTask:
    """What a replica is told: plain values and paths, no secret.

    Attributes:
        model: As clients see it.
        online: What is done with a study.
        settings: How the service answers.
        watch: How the process is watched.
    """

    model: ServedModel
    online: OnlineTask
    settings: ServeSettings
    watch: WatchTask


class ModelReplica:
    """Wrapped by Ray Serve; the front reaches it through its handle, clients below `/v2/models/NAME`."""

    def __init__(self, task: ReplicaTask) -> None:
        self._task = task
        name = task.model.name
        self._operations = open_operations(task.watch, name)
        metrics, tracing = self._operations.metrics, self._operations.tracing
        self._screener = OnlineScreener(
            task.online, batches=lambda size: metrics.batch(name, size), restarts=lambda: metrics.restarted(name)
        )
        self._drift = watch_drift(task.watch, task.model, metrics)
        inner = LocalBackend(task.model, self._screener, at_once=task.settings.max_ongoing, clocks=tracing.clock)
        self._backend = observed_replica(inner, self._operations, self._drift)
        self._rolling: asyncio.Task[None] | None = None

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """The routes of this model."""
        self._rolling = asyncio.get_event_loop().create_task(self._roll())
        settings = self._task.settings
        app = model_app(self._backend, most_bytes=settings.max_tensor_bytes, allowed=require)
        most = settings.max_ongoing + settings.max_queued
        doors, guard = Doors(open_paths=frozenset()), open_guard(settings)
        return layered(app, settings, guard, most=most, doors=doors, operations=self._operations)

    async def screen(
        self, content: bytes, *, patient: str | None, shown: tuple[str, str] | None, trace: Carrier | None = None
    ) -> Answer:
        """Screen a study, for the front."""
        with self._operations.tracing.under(trace):
            return await self._backend.screen(self._task.model.name, content, patient=patient, shown=shown)

    async def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the network, for the front."""
        return await self._backend.infer(self._task.model.name, images)

    async def _roll(self) -> None:
        """Let go of old jobs, also where no further request comes; and look for drift."""
        while True:
            await asyncio.sleep(_ROLL_S)
            await asyncio.to_thread(self._screener.roll_if_due)
            with suppress(SievertError):  # a damaged baseline must not keep jobs open: its metrics are absent
                await asyncio.to_thread(self._drift.compare)

    def __del__(self) -> None:
        """Ray Serve calls it once a replica that is stopped has answered what it had in hand."""
        if self._rolling is not None:
            self._rolling.cancel()
        self._screener.stop()
        self._operations.stop()
