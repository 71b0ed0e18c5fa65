"""The apps: one beside each network, and the front that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Depends

from serve.access.principal import Permission
from serve.api.document import DocumentedApp
from serve.api.inference import catalogue_router, model_router, server_router
from serve.api.problems import install_problems
from serve.api.studies import studies_router
from sievert import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fastapi import APIRouter, FastAPI, Request, Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serve.api.backend import Backend
    from serve.api.studies import Asking

DESCRIPTION = """Screens medical images: every study is admitted or refused with a reason, de-identified, decided on
(or left to a person), explained, sealed for its patient, and anchored on a ledger."""


def model_app(backend: Backend, *, most_bytes: int, allowed: Callable[[Permission], object]) -> FastAPI:
    """The app beside one network: the protocol's routes below the model's own address, and its studies.

    Args:
        backend: The network.
        most_bytes: Largest tensor.
        allowed: Makes a FastAPI dependency that refuses whoever lacks a permission.
    """
    app = _app()
    infer = [Depends(allowed(Permission.INFER))]  # type: ignore[arg-type]  # any callable is a dependency
    app.include_router(model_router(backend, most_bytes=most_bytes), dependencies=infer)
    path = f"/v2/models/{backend.models[0].name}/studies"
    app.include_router(studies_router(backend, path=path), dependencies=infer)
    return app


def front_app(
    backend: Backend,
    *,
    most_bytes: int,
    allowed: Callable[[Permission], object],
    later: Callable[[list[bytes], Asking, Request], Awaitable[Response]] | None = None,
    ready: Callable[[], bool] = lambda: True,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The front: everything that is not sent straight to a network.

    Args:
        backend: All networks.
        most_bytes: Largest tensor.
        allowed: As for `model_app`.
        later: See `studies_router`.
        ready: Whether all networks can be asked; may take a moment.
        routers: Further ones, with permissions of their own: health, sign-in, the worklist page.
    """
    app = _app()
    infer = [Depends(allowed(Permission.INFER))]  # type: ignore[arg-type]  # any callable is a dependency
    for router in (
        server_router(ready),
        model_router(backend, most_bytes=most_bytes),
        catalogue_router(backend),
        studies_router(backend, later=later),
    ):
        app.include_router(router, dependencies=infer)
    for router in routers:
        app.include_router(router)
    return app


def with_layers(app: ASGIApp, layers: Sequence[Callable[[ASGIApp], ASGIApp]]) -> ASGIApp:
    """An app behind layers, the first outermost."""
    for layer in reversed(layers):
        app = layer(app)
    return app


def unprefixed(app: ASGIApp) -> ASGIApp:
    """A layer for an app whose routes are whole addresses, below a prefix or not (Ray Serve calls it the root)."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": ""} if "root_path" in scope else scope, receive, send)

    return answer


def _app() -> FastAPI:
    app = DocumentedApp(
        title="Sievert",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # behind a proxy that ends TLS it would send a token on in clear
        openapi_url="/openapi.json",
    )
    install_problems(app)
    return app
