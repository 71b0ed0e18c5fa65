"""The whole front of a service in this process: the shipped model, every route, and the layers before them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.results.keystore import KeyStore
from serve.access.guard import Guard
from serve.access.middleware import Doors
from serve.access.requiring import require
from serve.access.signin import sign_in_router
from serve.access.statefolder import open_state
from serve.api.app import front_app, model_app
from serve.api.health import health_router
from serve.api.jobs import Jobs, jobs_router
from serve.api.status import ModelStatus, Status, status_router
from serve.hosting.layers import layered
from serve.operations.exposition import Exposition
from serve.operations.process import WatchTask, open_operations
from serve.operations.router import metrics_router
from serve.operations.standing import read_build
from serve.page.casebook import CaseBook
from serve.page.reviews import Reviews
from serve.page.router import CONTENT_POLICY, OPEN_PREFIXES, PAGES, page_router
from serve.page.verification import Verifier
from sievert.settings import ServeSettings
from tests.onlinebackend import Online, online_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from tests.jobs import Job

MOST = 64


@dataclass(frozen=True)
class Front:
    """It.

    Attributes:
        app: As HAProxy reaches the front.
        model: As it reaches the replica of the shipped model.
        token: That signs in to both, as an administrator and clinician.
        guard: Says who asks.
        online: The model behind both.
    """

    app: ASGIApp
    model: ASGIApp
    token: str
    guard: Guard
    online: Online


@contextmanager
def whole_front(home: Path, job: Job) -> Iterator[Front]:
    """Have it for a while.

    Args:
        home: An empty folder.
        job: A finished one, whose cases the worklist shows.
    """
    settings = ServeSettings(state=open_state(home / "state"), requests_a_minute=100_000, failures_a_minute=100_000)
    guard = Guard(settings, settings.state)
    token = guard.runs.begin(one_time=True)
    reviews = Reviews(settings.state, identity_key=job.keys.identity_key)
    book = CaseBook(job.out.path, KeyStore(job.keys.folder), reviews)
    book.refresh()
    with online_in(home) as online:
        operations = open_operations(_watch(settings, home), "front")
        jobs = Jobs(online.backend, most=MOST, keep_s=60)
        page = page_router(book, reviews, verifier=Verifier(book, job.ledger), sign_out="/sign-out")
        routers = [
            health_router(),
            sign_in_router(guard),
            status_router(lambda: _status(online)),
            metrics_router(Exposition(home / "metrics", [read_build]).page),
            jobs_router(jobs, allowed=require),
            page,
        ]
        bytes_ = settings.max_tensor_bytes
        app = front_app(online.backend, most_bytes=bytes_, allowed=require, later=jobs.later, routers=routers)
        doors = Doors(open_prefixes=OPEN_PREFIXES, pages=PAGES, content_policy=CONTENT_POLICY)
        model = model_app(online.backend, most_bytes=bytes_, allowed=require)
        yield Front(
            layered(app, settings, guard, most=MOST, doors=doors, operations=operations),
            layered(model, settings, guard, most=MOST, doors=Doors(open_paths=frozenset()), operations=operations),
            str(token),
            guard,
            online,
        )
        operations.stop()
    reviews.close()


def _watch(settings: ServeSettings, home: Path) -> WatchTask:
    telemetry = settings.telemetry
    return WatchTask(telemetry, metrics=home / "metrics", state=settings.state, keys=home / "keys", actor=None)


def _status(online: Online) -> Status:
    models = [
        ModelStatus(name=one.name, version=one.version, status="RUNNING", replicas=1) for one in online.backend.models
    ]
    return Status(status="ok", models=models, open_jobs=0, unanchored=0, problem="")
