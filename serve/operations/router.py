"""`GET /metrics`: for Prometheus, which shows an API key of the role `operator`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Response

from serve.access.principal import Permission
from serve.access.requiring import require
from serve.api.problems import described
from serve.operations.exposition import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable


def metrics_router(page: Callable[[], bytes]) -> APIRouter:
    """The route.

    Args:
        page: Makes the page; may take a moment.
    """
    router = APIRouter(tags=["operations"], dependencies=[Depends(require(Permission.OPERATE))])
    text = {"description": "Prometheus's text format", "content": {"text/plain": {"schema": {"type": "string"}}}}

    @router.get("/metrics", summary="Metrics", response_class=Response, responses={200: text, **described(401, 403)})
    def metrics() -> Response:
        """Of all processes of the service, in Prometheus's text format."""
        return Response(page(), media_type=CONTENT_TYPE)

    return router
