"""The front: health, sign-in, the worklist page, and whatever is not sent straight to a network."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException

from pipelines.flows.online.rolling import count_jobs
from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.access.signin import sign_in_router
from serve.api.app import front_app
from serve.api.backend import find_model
from serve.api.grpc.server import InferenceGrpc
from serve.api.health import health_router
from serve.api.jobs import Jobs, jobs_router
from serve.api.status import ModelStatus, Status, status_router
from serve.hosting.layers import layered, open_guard
from serve.hosting.lineup import FRONT, SHELF, note_served, served_by_now
from serve.hosting.worklist import open_worklist
from serve.listener.storage import DicomListener
from serve.operations.exposition import Exposition
from serve.operations.observed import Observed
from serve.operations.process import open_operations
from serve.operations.router import metrics_router
from serve.operations.standing import JobReader, read_build, read_disks, read_models, read_proxy
from serve.page.router import CONTENT_POLICY, OPEN_PREFIXES, PAGES
from sievert.errors import OverloadedError, ReplicaLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer
    from serve.access.principal import Principal
    from serve.api.backend import ServedModel
    from serve.operations.process import WatchTask
    from serve.operations.tracing import Carrier
    from sievert.settings import Settings

FRONT_MOST = 512
"""Requests that the front has in hand; most of them wait for a network."""
MOST_JOBS, JOB_KEPT_S = 256, 3600.0
"""Studies whose sender does not wait: how many, and how long their answers are kept, in seconds."""


@dataclass(frozen=True, slots=True)
class FrontTask:
    """What the front is told: plain values, no secret.

    Attributes:
        models: What is served.
        settings: The tree.
        results: Folder of the results, or one out folder.
        online: Folder of the rolling jobs.
        watch: How the process is watched.
        proxy_port: Where HAProxy tells its own metrics, on this machine; None where it is asked elsewhere.
        shelved: Names of the models that share the replicas of the shelf.
    """

    models: tuple[ServedModel, ...]
    settings: Settings
    results: Path
    online: Path
    watch: WatchTask
    proxy_port: int | None
    shelved: frozenset[str] = frozenset()


@contextmanager
def _replica_errors() -> Iterator[None]:
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
        with _replica_errors():
            found: NDArray[np.float32] = await self._asked(self._handle(name).infer.remote(images))
        return found

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """See `Backend`."""
        asked = {"patient": patient, "shown": shown, "trace": self._carrier()}
        with _replica_errors():
            found: Answer = await self._asked(self._handle(name).screen.remote(content, **asked))
        return found

    async def _asked(self, answer: Any) -> Any:  # noqa: ANN401 - Ray ships no types
        """Not for ever: no replica may come back."""
        async with asyncio.timeout(self._timeout_s):
            return await answer

    def _handle(self, name: str) -> Any:  # noqa: ANN401 - Ray ships no types
        model = find_model(self, name).name
        app = SHELF if model in self.shelved else model
        if app not in self._handles:
            self._handles[app] = serve.get_app_handle(app)
        handle = self._handles[app]
        return handle.options(multiplexed_model_id=model) if app == SHELF else handle


class FrontReplica:
    """Wrapped by Ray Serve, at `/`; there is one."""

    def __init__(self, task: FrontTask) -> None:
        self._task = task
        settings = task.settings.serve
        self._operations = open_operations(task.watch, FRONT)
        tracing = self._operations.tracing
        # one that was lost knew of what was taken up since
        models, shelved = served_by_now(task.watch.metrics.parent) or (task.models, task.shelved)
        self._handles = HandleBackend(
            models,
            shelved=shelved,
            weights=settings.weights,
            carrier=tracing.carrier,
            timeout_s=settings.timeout_s,
        )
        self._backend = Observed(self._handles, tracing=tracing)
        self._guard = open_guard(settings)
        self._worklist = open_worklist(task.results, task.online, task.settings)
        self._jobs: Jobs | None = None
        self._grpc: InferenceGrpc | None = None
        self._listener: DicomListener | None = None

    async def open_ports(self) -> None:
        """Listen for gRPC and DICOM, where the settings name ports; they belong to the process's loop.

        Raises:
            PortTakenError: Something else listens there.
            ConfigError: A setting cannot be.
        """
        settings = self._task.settings.serve
        if settings.grpc_port is not None and self._grpc is None:
            self._grpc = InferenceGrpc(self._backend, self._authenticate, settings, answered=self._answered)
            await self._grpc.start()
        if settings.dicom.port is not None and self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = DicomListener(self._backend, loop, settings, answered=self._answered)
            await asyncio.to_thread(self._listener.start)

    def _answered(self, route: str, status: int, seconds: float) -> None:
        """A call that came by no HTTP of ours; its method is counted as POST, which gRPC's is."""
        self._operations.metrics.answered(route, "POST", status, seconds)

    async def take_up(self, models: tuple[ServedModel, ...], shelved: frozenset[str]) -> None:
        """Know of packages that were replaced, and of what lies on the shelf now."""
        self._handles.models, self._handles.shelved = models, shelved
        await asyncio.to_thread(note_served, self._task.watch.metrics.parent, models, shelved)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """All routes but those of single models."""
        settings = self._task.settings.serve
        self._jobs = Jobs(self._backend, most=MOST_JOBS, keep_s=JOB_KEPT_S)
        app = front_app(
            self._backend,
            most_bytes=settings.max_tensor_bytes,
            allowed=require,
            later=self._jobs.later,
            routers=[
                health_router(),
                sign_in_router(self._guard, observe=self._operations.signed),
                status_router(self._status),
                metrics_router(self._exposition().page),
                jobs_router(self._jobs, allowed=require),
                self._worklist.router,
            ],
        )
        doors = Doors(open_prefixes=OPEN_PREFIXES, pages=PAGES, content_policy=CONTENT_POLICY)
        return layered(app, settings, self._guard, most=FRONT_MOST, doors=doors, operations=self._operations)

    async def __del__(self) -> None:
        """Ray Serve calls it once a replica that is stopped has answered what it had in hand."""
        if self._grpc is not None:
            await self._grpc.stop()
        if self._listener is not None:
            await asyncio.to_thread(self._listener.stop)
        if self._jobs is not None:
            await self._jobs.stop()
        self._worklist.close()
        await asyncio.to_thread(self._operations.stop)

    def _authenticate(self, told: str) -> Principal:
        return self._guard.authenticate({"authorization": told}, {})

    def _exposition(self) -> Exposition:
        task, keys = self._task, self._task.watch.keys
        return Exposition(
            task.watch.metrics,
            [
                read_build,
                JobReader(task.online, keys),
                lambda: read_disks({"results": task.results, "keys": keys}),
                lambda: read_models((one.name, one.status == "RUNNING", one.replicas) for one in self._models()),
                lambda: read_proxy(task.proxy_port) if task.proxy_port else (),
            ],
        )

    def _models(self) -> list[ModelStatus]:
        told = serve.status().applications
        shelved = self._handles.shelved
        return [
            _model_status(model, told.get(app), app)
            for model in self._backend.models
            for app in [SHELF if model.name in shelved else model.name]
        ]

    def _status(self) -> Status:
        models = self._models()
        jobs = count_jobs(self._task.online, self._task.settings.store.keys.absolute())
        well = all(model.status == "RUNNING" for model in models) and not jobs.problem
        return Status(
            status="ok" if well else "degraded",
            models=models,
            open_jobs=jobs.open,
            unanchored=jobs.unanchored,
            problem=jobs.problem,
        )


def _model_status(model: ServedModel, app: Any, name: str) -> ModelStatus:  # noqa: ANN401 - Ray ships no types
    deployment = app.deployments.get(name) if app else None
    running = deployment.replica_states.get("RUNNING", 0) if deployment else 0
    return ModelStatus(
        name=model.name, version=model.version, status=str(app.status.value) if app else "NOT_STARTED", replicas=running
    )
