"""The front: health, sign-in, the worklist page, and whatever is not sent straight to a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ray import serve

from serve.api.app import front_app, unprefixed, with_layers
from serve.api.backend import find_model
from serve.api.health import health_router
from serve.hosting.layers import access_layers, allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer
    from serve.api.backend import ServedModel
    from sievert.settings import Settings

DEPLOYMENT = "front"


@dataclass(frozen=True, slots=True)
class FrontTask:
    """What the front is told: plain values, no secret.

    Attributes:
        models: What is served.
        settings: The tree.
    """

    models: tuple[ServedModel, ...]
    settings: Settings


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
        app = front_app(self._backend, most_bytes=settings.max_tensor_bytes, allowed=allowed, routers=[health_router()])
        return with_layers(app, [unprefixed, *access_layers(settings)])
