from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient, Response

from pipelines.flows.online.screener import Answer
from serve.access.principal import Principal, Role
from serve.api import jobs as module
from serve.api.app import front_app
from serve.api.backend import LocalBackend, ServedModel
from serve.api.jobs import Jobs, jobs_router
from sievert.errors import DiskFullError

MODEL = ServedModel("m", "m", "1", "d", ("a", "b"), "b", 0.5, 0.6, (1, 2, 2), ("DX",), ("CHEST",), "r")
ASYNC = {"Prefer": "respond-async", "Content-Type": "application/octet-stream"}


class Screening(LocalBackend):
    """Answers each study when it is let."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.models, self.let, self.seen, self._error = (MODEL,), asyncio.Semaphore(0), list[bytes](), error

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        await self.let.acquire()
        if self._error:
            raise self._error
        self.seen.append(content)
        return Answer({"record": content.decode(), "model": name, "patient": patient, "shown": shown}, {}, {})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def app_of(backend: LocalBackend, jobs: Jobs) -> FastAPI:
    """Whoever asks is who the header says, with the role that it says."""

    def allowed(_: object) -> Callable[[Request], None]:
        def check(request: Request) -> None:
            if who := request.headers.get("who"):
                name, role = who.split(":")
                request.state.principal = Principal(name, frozenset({Role(role)}), "key")

        check.__annotations__["request"] = Request
        return check

    return front_app(
        backend, most_bytes=100, allowed=allowed, later=jobs.later, routers=[jobs_router(jobs, allowed=allowed)]
    )


@asynccontextmanager
async def client_of(
    backend: Screening, *, most: int = 4, clock: Clock | None = None, at_once: int = 2
) -> AsyncIterator[AsyncClient]:
    jobs = Jobs(backend, most=most, keep_s=60, at_once=at_once, clock=clock or Clock())
    try:
        async with AsyncClient(transport=ASGITransport(app_of(backend, jobs)), base_url="http://sievert") as client:
            yield client
    finally:
        await jobs.stop()


def asked(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


async def sent(client: AsyncClient, headers: dict[str, str] | None = None) -> Response:
    return await client.post("/v1/studies", content=b"one", headers={**ASYNC, **(headers or {})})


async def state_of(client: AsyncClient, place: str, wanted: str) -> dict[str, Any]:
    for _ in range(200):
        found: dict[str, Any] = (await client.get(place)).json()
        if found["state"] == wanted:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(found)


def progress(body: str) -> list[dict[str, Any]]:
    blocks = [block for block in body.split("\n\n") if block.startswith("event: progress\n")]
    return [json.loads(block.partition("data: ")[2]) for block in blocks]


def test_a_study_is_taken_at_once_and_its_record_is_there_later() -> None:
    async def work() -> None:
        backend = Screening()
        async with client_of(backend) as client:
            taken = await sent(client, {"Sievert-Patient": "p-1"})
            assert (taken.status_code, taken.json()["state"], taken.json()["done"]) == (202, "queued", 0)
            place = taken.headers["location"]
            await state_of(client, place, "running")
            backend.let.release()
            found = await state_of(client, place, "done")
            assert [(one["record"], one["patient"]) for one in found["records"]] == [("one", "p-1")]

    asked(work)


def test_events_tell_every_step_and_end_with_the_records() -> None:
    async def work() -> None:
        backend = Screening()
        async with client_of(backend) as client:
            files = [("file", (f"{name}.png", name.encode(), "image/png")) for name in ("one", "two", "three")]
            taken = await client.post("/v1/studies", files=files, headers={"Prefer": "respond-async"})
            stream = asyncio.create_task(client.get(taken.headers["location"] + "/events"))
            for _ in range(3):
                await asyncio.sleep(0.02)
                backend.let.release()
            told = await stream
            assert told.headers["content-type"].startswith("text/event-stream")
            seen = progress(told.text)
            assert {1, 2, 3} <= {one["done"] for one in seen}
            assert all(not one["records"] for one in seen[:-1])
            assert [one["record"] for one in seen[-1]["records"]] == ["one", "two", "three"]
            assert seen[-1]["state"] == "done"

    asked(work)


def test_a_silent_stream_has_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.02)

    async def work() -> None:
        backend = Screening()
        async with client_of(backend) as client:
            stream = asyncio.create_task(client.get((await sent(client)).headers["location"] + "/events"))
            await asyncio.sleep(0.1)
            backend.let.release()
            assert ": \n\n" in (await stream).text

    asked(work)


def test_a_job_that_fails_says_why_without_a_word_of_what_was_sent() -> None:
    async def work(error: Exception, told: str) -> None:
        backend = Screening(error=error)
        async with client_of(backend) as client:
            place = (await sent(client)).headers["location"]
            backend.let.release()
            assert (await state_of(client, place, "failed"))["error"] == told

    asked(lambda: work(DiskFullError("no space is left"), "no space is left"))
    asked(lambda: work(ValueError("DOE^JANE"), "ValueError"))


def test_a_job_is_its_owners_and_the_administrators() -> None:
    async def work() -> None:
        async with client_of(Screening()) as client:
            place = (await sent(client, {"who": "ann:submitter"})).headers["location"]
            for who, status in (("ann:submitter", 200), ("bob:submitter", 404), ("eve:admin", 200)):
                assert (await client.get(place, headers={"who": who})).status_code == status
            assert (await client.get(place)).status_code == 404
            assert (await client.get(place + "/events", headers={"who": "bob:submitter"})).status_code == 404
            assert (await client.delete(place, headers={"who": "bob:submitter"})).status_code == 404
            assert (await client.get(place, headers={"who": "ann:submitter"})).status_code == 200

    asked(work)


def test_more_jobs_than_are_held_are_told_to_come_again() -> None:
    async def work() -> None:
        backend = Screening()
        async with client_of(backend, most=2) as client:
            first, _ = await sent(client), await sent(client)
            refused = await sent(client)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            backend.let.release()
            await asyncio.sleep(0.02)
            assert (await sent(client)).status_code == 202
            assert (await client.get(first.headers["location"])).status_code == 404

    asked(work)


def test_jobs_beyond_those_at_once_wait() -> None:
    async def work() -> None:
        async with client_of(Screening(), at_once=1) as client:
            first, second = await sent(client), await sent(client)
            await state_of(client, first.headers["location"], "running")
            assert (await client.get(second.headers["location"])).json()["state"] == "queued"

    asked(work)


def test_an_ended_job_is_forgotten_after_a_while() -> None:
    async def work() -> None:
        backend, clock = Screening(), Clock()
        async with client_of(backend, clock=clock) as client:
            place = (await sent(client)).headers["location"]
            backend.let.release()
            await state_of(client, place, "done")
            clock.now = 59
            assert (await client.get(place)).status_code == 200
            clock.now = 61
            assert (await client.get(place)).status_code == 404

    asked(work)


def test_a_cancelled_job_screens_nothing_further() -> None:
    async def work() -> None:
        backend = Screening()
        async with client_of(backend) as client:
            place = (await sent(client)).headers["location"]
            await state_of(client, place, "running")
            stream = asyncio.create_task(client.get(place + "/events"))
            await asyncio.sleep(0.02)
            assert (await client.delete(place)).status_code == 204
            assert progress((await stream).text)[-1]["state"] == "failed"
            backend.let.release()
            await asyncio.sleep(0.02)
            assert backend.seen == []
            assert (await client.get(place)).status_code == 404

    asked(work)


def test_a_name_that_is_no_jobs_is_refused() -> None:
    async def work() -> None:
        async with client_of(Screening()) as client:
            assert (await client.get(f"/v1/jobs/{'0' * 32}")).status_code == 404
            assert (await client.get("/v1/jobs/..%2f..%2fetc")).status_code in (404, 422)
            assert (await client.get("/v1/jobs/short")).status_code == 422

    asked(work)
