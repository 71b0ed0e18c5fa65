"""A service's state, a provider of tokens, and a small application behind the middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from serve.access.events import AccessEvent
from serve.access.guard import Guard
from serve.access.middleware import AccessMiddleware, Doors
from serve.access.principal import Permission, Principal
from serve.access.requiring import csrf_of, require
from serve.access.signin import sign_in_router
from sievert.settings import OidcSettings, ServeSettings
from tests.oidcprovider import OidcProvider


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture(scope="session")
def shared_provider() -> Iterator[OidcProvider]:
    provider = OidcProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(shared_provider: OidcProvider) -> Iterator[OidcProvider]:
    """As it began; keys are costly to make."""
    keys, issuer = dict(shared_provider.keys), shared_provider.issuer
    shared_provider.fetches, shared_provider.codes = 0, {}
    yield shared_provider
    shared_provider.keys, shared_provider.issuer = keys, issuer
    shared_provider.further, shared_provider.away = [], False


@pytest.fixture
def oidc(provider: OidcProvider) -> OidcSettings:
    return OidcSettings(issuer=provider.url, client_id="page", leeway_s=5)


@pytest.fixture
def settings(oidc: OidcSettings) -> ServeSettings:
    return ServeSettings(oidc=oidc, max_body_bytes=1000, failures_a_minute=3, requests_a_minute=50)


@pytest.fixture
def guard(settings: ServeSettings, state: Path) -> Guard:
    return Guard(settings, state)


Events = list[AccessEvent]


@pytest.fixture
def events() -> Events:
    return []


@pytest.fixture
def app(guard: Guard, settings: ServeSettings, events: Events) -> FastAPI:
    return application(guard, settings, events.append)


def application(guard: Guard, settings: ServeSettings, observe: Callable[[AccessEvent], None]) -> FastAPI:
    app = FastAPI()

    @app.get("/health")
    async def health() -> str:
        return "well"

    @app.get("/v1/who")
    async def who(request: Request) -> dict[str, Any]:
        principal: Principal = request.state.principal
        return {"name": principal.name, "roles": sorted(principal.roles), "by": principal.by}

    @app.get("/v1/cases")
    async def cases(_: Annotated[Principal, Depends(require(Permission.READ))]) -> list[str]:
        return []

    @app.post("/v1/reviews")
    async def review(request: Request, _: Annotated[Principal, Depends(require(Permission.REVIEW))]) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/cases/{case}")
    async def page(case: str, request: Request) -> dict[str, str]:
        return {"case": case, "csrf": csrf_of(request)}

    app.include_router(sign_in_router(guard, observe=observe))
    app.add_middleware(
        AccessMiddleware,
        guard=guard,
        max_body_bytes=settings.max_body_bytes,
        doors=Doors(pages=("/cases/",)),
        observe=observe,
    )
    return app


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test")
