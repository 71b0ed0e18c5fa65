"""Networks behind handles of Ray Serve, as the front asks them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException

from serve.api.backend import find_model
from serve.api.status import ModelStatus
from serve.hosting.lineup import SHELF
from sievert.errors import OverloadedError, ReplicaLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pipelines.flows.online.screener import Answer
    from serve.api.backend import ServedModel
    from serve.operations.tracing import Carrier


@contextmanager
def replica_errors() -> Iterator[None]:
    """What a replica raised is ours already; what Ray says of replicas becomes so."""
    try:
        yield
    except BackPressureError as error:
        raise OverloadedError("too many requests wait for the network already") from error
    except RayTaskError:
        raise
    except (RayError, RayServeException, TimeoutError) as error:
        raise ReplicaLostError("the replica that had the request is gone, or none answers") from error


class HandleBackend:
    """Networks behind handles of Ray Serve.

    Args:
        models: What is served; each is an app of its name, but for those of the shelf.
        shelved: Names of the models of the shelf.
        weights: Share of the studies that name no model, by model.
        carrier: The trace's context, which travels with a study.
        timeout_s: How long one may take.
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        *,
        shelved: frozenset[str],
        weights: Mapping[str, float],
        carrier: Callable[[], Carrier | None],
        timeout_s: float,
    ) -> None:
        self.models: Sequence[ServedModel] = tuple(models)
        self.shelved = shelved
        self.weights, self._carrier, self._timeout_s = weights, carrier, timeout_s
        self._handles: dict[str, Any] = {}

    async def infer(self, name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Backend`."""
        with replica_errors():
            found: NDArray[np.float32] = await self._asked(self._handle(name).infer.remote(images))
        return found

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """See `Backend`."""
        asked = {"patient": patient, "shown": shown, "trace": self._carrier()}
        with replica_errors():
            found: Answer = await self._asked(self._handle(name).screen.remote(content, **asked))
        return found

    async def _asked(self, answer: Any) -> Any:  # noqa: ANN401 - Ray ships no types
        """Not for ever: no replica may come back."""
        async with asyncio.timeout(self._timeout_s):
            return await answer

    def statuses(self) -> list[ModelStatus]:
        """How each model does, as Ray Serve says; takes a moment."""
        told = serve.status().applications
        return [
            _model_status(model, told.get(app), app)
            for model in self.models
            for app in [SHELF if model.name in self.shelved else model.name]
        ]

    def _handle(self, name: str) -> Any:  # noqa: ANN401 - Ray ships no types
        model = find_model(self, name).name
        app = SHELF if model in self.shelved else model
        if app not in self._handles:
            self._handles[app] = serve.get_app_handle(app)
        handle = self._handles[app]
        return handle.options(multiplexed_model_id=model) if app == SHELF else handle


def _model_status(model: ServedModel, app: Any, name: str) -> ModelStatus:  # noqa: ANN401 - Ray ships no types
    deployment = app.deployments.get(name) if app else None
    running = deployment.replica_states.get("RUNNING", 0) if deployment else 0
    return ModelStatus(
        name=model.name, version=model.version, status=str(app.status.value) if app else "NOT_STARTED", replicas=running
    )
