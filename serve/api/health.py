"""`GET /health`: open to all, and says nothing but that the service answers."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from serve.api.examples import shown


class Health(BaseModel):
    """What load balancers ask for."""

    status: str = "ok"


def health_router() -> APIRouter:
    """The route."""
    router = APIRouter(tags=["health"])

    @router.get("/health", summary="Health", responses=shown({"status": "ok"}))
    async def health() -> Health:
        return Health()

    return router
