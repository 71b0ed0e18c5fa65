from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request

from serve.api.pressure import Pressure
from serve.api.problems import install_problems


def test_requests_beyond_the_bound_are_told_when_to_come_again_and_none_after_it_is() -> None:
    asyncio.run(_crowd())


async def _crowd() -> None:
    app, let = FastAPI(), asyncio.Event()

    @app.get("/")
    async def wait() -> str:
        await let.wait()
        return "done"

    refused: list[int] = []
    layer = Pressure(app, most=3, most_bytes=1000, refused=lambda: refused.append(1))
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


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.post("/")
    async def take(request: Request) -> int:
        size = len(await request.body())
        await asyncio.sleep(0.05)
        return size

    return app


def send(app: Pressure, *sizes: int) -> list[httpx.Response]:
    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as client:
            return list(await asyncio.gather(*(client.post("/", content=bytes(size)) for size in sizes)))

    return asyncio.run(all_at_once())


def test_bodies_that_would_fill_the_memory_are_told_to_come_again(app: FastAPI) -> None:
    pressure = Pressure(app, most=9, most_bytes=1000)
    answers = send(pressure, 400, 400, 400)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429]
    assert [answer.headers.get("retry-after") for answer in answers].count("1") == 1
    assert pressure.bytes_in_hand == 0
    assert [answer.status_code for answer in send(pressure, 900)] == [200]
