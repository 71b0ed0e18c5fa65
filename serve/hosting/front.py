"""The front: health, sign-in, the worklist page, and whatever is not sent straight to a network."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.flows.online.rolling import count_jobs
from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.access.signin import sign_in_router
from serve.api.app import front_app
from serve.api.grpc.server import InferenceGrpc
from serve.api.health import health_router
from serve.api.jobs import Jobs, jobs_router
from serve.api.status import Status, status_router
from serve.hosting.handles import HandleBackend
from serve.hosting.layers import layered, open_guard
from serve.hosting.lineup import FRONT, note_served, served_by_now
from serve.hosting.worklist import open_worklist
from serve.listener.storage import DicomListener
from serve.operations.exposition import Exposition
from serve.operations.observed import Observed
from serve.operations.process import open_operations
from serve.operations.router import metrics_router
from serve.operations.standing import JobReader, read_build, read_disks, read_models, read_proxy
from serve.page.router import CONTENT_POLICY, OPEN_PREFIXES, PAGES
from sievert.errors import SievertError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp

    from serve.access.principal import Principal
    from serve.api.backend import ServedModel
    from serve.operations.process import WatchTask
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
        own: Folder of the run on this machine, which outlives a front that is lost; None on a cluster of others.
    """

    models: tuple[ServedModel, ...]
    settings: Settings
    results: Path
    online: Path
    watch: WatchTask
    proxy_port: int | None
    shelved: frozenset[str] = frozenset()
    own: Path | None = None


class FrontReplica:
    """Wrapped by Ray Serve, at `/`; there is one."""

    def __init__(self, task: FrontTask) -> None:
        self._task = task
        settings = task.settings.serve
        self._operations = open_operations(task.watch, FRONT)
        tracing = self._operations.tracing
        # one that was lost knew of what was taken up since
        models, shelved = (task.own and served_by_now(task.own)) or (task.models, task.shelved)
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
        self._opening = asyncio.Lock()
        self._grpc: InferenceGrpc | None = None
        self._listener: DicomListener | None = None

    async def open_ports(self) -> None:
        """Listen for gRPC and DICOM, where the settings name ports; they belong to the process's loop.

        Raises:
            PortTakenError: Something else listens there.
            ConfigError: A setting cannot be.
        """
        settings = self._task.settings.serve
        async with self._opening:
            if settings.grpc_port is not None and self._grpc is None:
                grpc = InferenceGrpc(self._backend, self._authenticate, settings, answered=self._answered)
                await grpc.start()
                self._grpc = grpc
            if settings.dicom.port is not None and self._listener is None:
                loop = asyncio.get_running_loop()
                listener = DicomListener(self._backend, loop, settings, answered=self._answered)
                await asyncio.to_thread(listener.start)
                self._listener = listener

    async def check_health(self) -> None:
        """Ray Serve asks now and then: a front that took the place of a lost one has its ports to open by itself."""
        with suppress(SievertError):  # the page and the networks answer all the same
            await self.open_ports()

    def _answered(self, route: str, status: int, seconds: float) -> None:
        """A call that came by no HTTP of ours; its method is counted as POST, which gRPC's is."""
        self._operations.metrics.answered(route, "POST", status, seconds)

    async def take_up(self, models: tuple[ServedModel, ...], shelved: frozenset[str]) -> None:
        """Know of packages that were replaced, and of what lies on the shelf now."""
        self._handles.models, self._handles.shelved = models, shelved
        if self._task.own is not None:
            await asyncio.to_thread(note_served, self._task.own, models, shelved)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """All routes but those of single models."""
        settings = self._task.settings.serve
        self._jobs = Jobs(self._backend, most=MOST_JOBS, keep_s=JOB_KEPT_S)
        app = front_app(
            self._backend,
            most_bytes=settings.max_tensor_bytes,
            allowed=require,
            later=self._jobs.later,
            ready=self._ready,
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
        task, keys, asked = self._task, self._task.watch.keys, self._handles.statuses
        return Exposition(
            task.watch.metrics,
            [
                read_build,
                JobReader(task.online, keys),
                lambda: read_disks({"results": task.results, "keys": keys}),
                lambda: read_models((one.name, one.status == "RUNNING", one.replicas) for one in asked()),
                lambda: read_proxy(task.proxy_port) if task.proxy_port else (),
            ],
        )

    def _ready(self) -> bool:
        return all(model.status == "RUNNING" for model in self._handles.statuses())

    def _status(self) -> Status:
        models = self._handles.statuses()
        jobs = count_jobs(self._task.online, self._task.settings.store.keys.absolute())
        well = all(model.status == "RUNNING" for model in models) and not jobs.problem
        return Status(
            status="ok" if well else "degraded",
            models=models,
            open_jobs=jobs.open,
            unanchored=jobs.unanchored,
            problem=jobs.problem,
        )
