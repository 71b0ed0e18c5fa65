"""The front: health, sign-in, the worklist page, and whatever is not sent straight to a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ray import serve

from pipelines.flows.online.rolling import count_jobs
from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.access.signin import sign_in_router
from serve.api.app import front_app
from serve.api.backend import find_model
from serve.api.health import health_router
from serve.api.status import ModelStatus, Status, status_router
from serve.hosting.layers import layered, open_guard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer
    from serve.api.backend import ServedModel
    from sievert.settings import Settings

DEPLOYMENT = "front"
FRONT_MOST = 512
"""Requests that the front has in hand; most of them wait for a network."""


@dataclass(frozen=True, slots=True)
class FrontTask:
    """What the front is told: plain values, no secret.

    Attributes:
        models: What is served.
        settings: The tree.
        online: Folder of the rolling jobs.
    """

    models: tuple[ServedModel, ...]
    settings: Settings
    online: Path


class HandleBackend:
    """Networks behind handles of Ray Serve.

    Args:
        models: What is served; each is an app of its name.
        timeout_s: How long one may take.
    """

    def __init__(self, models: Sequence[ServedModel], *, timeout_s: float) -> None:
        self.models, self._timeout_s = tuple(models), timeout_s
        self._handles: dict[str, Any] = {}

    async def infer(self, name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Backend`."""
        found: NDArray[np.float32] = await self._handle(name).infer.remote(images)
        return found

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """See `Backend`."""
        found: Answer = await self._handle(name).screen.remote(content, patient=patient, shown=shown)
        return found

    def _handle(self, name: str) -> Any:  # noqa: ANN401 - Ray ships no types
        model = find_model(self, name).name
        if model not in self._handles:
            self._handles[model] = serve.get_app_handle(model)
        return self._handles[model]


class FrontReplica:
    """Wrapped by Ray Serve, at `/`."""

    def __init__(self, task: FrontTask) -> None:
        self._task = task
        settings = task.settings.serve
        self._backend = HandleBackend(task.models, timeout_s=settings.timeout_s)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """All routes but those of single models."""
        settings = self._task.settings.serve
        guard = open_guard(settings)
        app = front_app(
            self._backend,
            most_bytes=settings.max_tensor_bytes,
            allowed=require,
            routers=[health_router(), sign_in_router(guard), status_router(self._status)],
        )
        return layered(app, settings, guard, most=FRONT_MOST, doors=Doors(pages=("/cases", "/audit")))

    def _status(self) -> Status:
        told = serve.status().applications
        models = [_model_status(model, told.get(model.name)) for model in self._backend.models]
        jobs = count_jobs(self._task.online, self._task.settings.store.keys.absolute())
        well = all(model.status == "RUNNING" for model in models) and not jobs.problem
        return Status(
            status="ok" if well else "degraded",
            models=models,
            open_jobs=jobs.open,
            unanchored=jobs.unanchored,
            problem=jobs.problem,
        )


def _model_status(model: ServedModel, app: Any) -> ModelStatus:  # noqa: ANN401 - Ray ships no types
    deployment = app.deployments.get(model.name) if app else None
    running = deployment.replica_states.get("RUNNING", 0) if deployment else 0
    return ModelStatus(
        name=model.name, version=model.version, status=str(app.status.value) if app else "NOT_STARTED", replicas=running
    )
