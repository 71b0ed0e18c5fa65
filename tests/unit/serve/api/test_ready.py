from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from httpx import ASGITransport, AsyncClient

from serve.api.app import front_app

if TYPE_CHECKING:
    from tests.onlinebackend import Online


@pytest.mark.parametrize(("running", "status"), [(True, 200), (False, 503)])
def test_a_server_is_ready_once_its_models_run_and_alive_before(online: Online, *, running: bool, status: int) -> None:
    app = front_app(online.backend, most_bytes=1, allowed=lambda _: lambda: None, ready=lambda: running)

    async def ask() -> None:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://sievert") as client:
            told = await client.get("/v2/health/ready")
            assert (told.status_code, "Retry-After" in told.headers) == (status, not running)
            assert (await client.get("/v2/health/live")).json() == {"live": True}

    asyncio.run(ask())
