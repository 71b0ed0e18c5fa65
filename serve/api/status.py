"""`GET /v1/status`: how the service does, for its operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from serve.access.principal import Permission
from serve.access.requiring import require
from serve.api.examples import STATUS, shown

if TYPE_CHECKING:
    from collections.abc import Callable


class ModelStatus(BaseModel):
    """One model.

    Attributes:
        name: Under which it is served.
        version: Of its package.
        status: As Ray Serve calls it: RUNNING, DEPLOYING, UNHEALTHY, …
        replicas: How many run.
    """

    name: str
    version: str
    status: str
    replicas: int


class Status(BaseModel):
    """The service.

    Attributes:
        status: `ok`, or `degraded` where a model is not running or something is not anchored for long.
        models: Each of them.
        open_jobs: Rolling jobs that take records now.
        unanchored: Rolling jobs that are closed and not on the ledger yet.
        problem: What went wrong last with closing or anchoring; empty where all is well.
    """

    status: str
    models: list[ModelStatus]
    open_jobs: int
    unanchored: int
    problem: str


def status_router(ask: Callable[[], Status]) -> APIRouter:
    """The route.

    Args:
        ask: Finds out; may take a moment.
    """
    router = APIRouter(tags=["operations"], dependencies=[Depends(require(Permission.OPERATE))])

    @router.get("/v1/status", summary="Status", responses=shown(STATUS))
    def status() -> Status:
        return ask()

    return router
