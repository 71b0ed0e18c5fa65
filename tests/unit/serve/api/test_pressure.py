from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from serve.api.pressure import Pressure


def test_requests_beyond_the_bound_are_told_when_to_come_again_and_none_after_it_is() -> None:
    asyncio.run(_crowd())


async def _crowd() -> None:
    app, let = FastAPI(), asyncio.Event()

    @app.get("/")
    async def wait() -> str:
        await let.wait()
        return "done"

    refused: list[int] = []
    layer = Pressure(app, most=3, refused=lambda: refused.append(1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(layer), base_url="http://test") as client:
        waiting = [asyncio.create_task(client.get("/")) for _ in range(3)]
        await asyncio.sleep(0.05)
        told = await client.get("/")
        assert (told.status_code, told.headers["retry-after"]) == (429, "1")
        assert told.headers["content-type"] == "application/problem+json"
        let.set()
        assert [one.status_code for one in await asyncio.gather(*waiting)] == [200] * 3
        assert (await client.get("/")).status_code == 200
    assert (refused, layer.in_hand) == ([1], 0)
