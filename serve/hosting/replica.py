"""One replica of a model: the network, admission beside it, and the routes below the model's own address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.flows.online.screener import OnlineScreener
from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.api.app import model_app
from serve.api.backend import LocalBackend
from serve.hosting.layers import layered, open_guard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer, OnlineTask
    from serve.api.backend import ServedModel
    from sievert.settings import ServeSettings

_ROLL_S = 1.0


@dataclass(frozen=True, slots=True)
class ReplicaTask:
    """What a replica is told: plain values and paths, no secret.

    Attributes:
        model: As clients see it.
        online: What is done with a study.
        settings: How the service answers.
    """

    model: ServedModel
    online: OnlineTask
    settings: ServeSettings


class ModelReplica:
    """Wrapped by Ray Serve; the front reaches it through its handle, clients below `/v2/models/NAME`."""

    def __init__(self, task: ReplicaTask) -> None:
        self._task = task
        self._screener = OnlineScreener(task.online)
        self._backend = LocalBackend(task.model, self._screener, at_once=task.settings.max_ongoing)
        self._rolling: asyncio.Task[None] | None = None

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """The routes of this model."""
        self._rolling = asyncio.get_event_loop().create_task(self._roll())
        settings = self._task.settings
        app = model_app(self._backend, most_bytes=settings.max_tensor_bytes, allowed=require)
        most = settings.max_ongoing + settings.max_queued
        return layered(app, settings, open_guard(settings), most=most, doors=Doors(open_paths=frozenset()))

    async def screen(self, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """Screen a study, for the front."""
        return await self._backend.screen(self._task.model.name, content, patient=patient, shown=shown)

    async def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the network, for the front."""
        return await self._backend.infer(self._task.model.name, images)

    async def _roll(self) -> None:
        """Let go of old jobs, also where no further request comes."""
        while True:
            await asyncio.sleep(_ROLL_S)
            await asyncio.to_thread(self._screener.roll_if_due)

    def __del__(self) -> None:
        """Ray Serve calls it once a replica that is stopped has answered what it had in hand."""
        if self._rolling is not None:
            self._rolling.cancel()
        self._screener.stop()
