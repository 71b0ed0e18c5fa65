from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from sievert.client import Client
from sievert.client.connection import LONGEST_S, _wait_s
from sievert.errors import ServeError
from tests.uvicorns import served

MODELS = {"models": [{"name": "m", "version": "1", "labels": [], "shape": [], "modalities": [], "body_parts": []}]}
RUNNING = {"id": "j", "state": "running", "done": 1, "total": 2, "records": []}
BUSY = JSONResponse({"detail": "busy"}, 503)


@contextmanager
def scripted(*answers: Response) -> Iterator[tuple[str, list[str]]]:
    """A service that gives these answers one after another, and then the last again."""
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        await request.body()
        asked.append(f"{request.method} {request.url.path}")
        return answers[min(len(asked), len(answers)) - 1]

    methods = ["GET", "POST", "DELETE"]
    with served(Starlette(routes=[Route("/{rest:path}", answer, methods=methods)])) as url:
        yield url, asked


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long is waited, without waiting."""
    found: list[float] = []

    def wait_s(tried: int, asked: str | None) -> float:
        found.append(_wait_s(tried, asked))
        return 0

    monkeypatch.setattr("sievert.client.connection._wait_s", wait_s)
    return found


def busy(status: int, asked: str | None = None) -> Response:
    return JSONResponse({"detail": "busy"}, status, {"Retry-After": asked} if asked else None)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_with_waits_that_double(status: int, waits: list[float]) -> None:
    with scripted(busy(status), busy(status), busy(status), JSONResponse(MODELS)) as (url, asked):
        assert Client(url).models()[0].name == "m"
    assert len(asked) == 4
    for tried, wait in enumerate(waits):
        assert 0.125 * 2**tried <= wait <= 0.25 * 2**tried


def test_retry_after_is_honoured_in_seconds_and_as_a_date_within_reason() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert _wait_s(1, "7") == 7
    assert 25 < _wait_s(1, later) <= 30
    assert _wait_s(1, "86400") == LONGEST_S
    assert _wait_s(1, "soon") < 1


def test_a_service_that_stays_busy_is_an_error_after_the_last_try() -> None:
    with scripted(busy(503, "0")) as (url, asked), pytest.raises(ServeError, match=r"busy \(HTTP 503\)"):
        Client(url, tries=2).models()
    assert len(asked) == 2


def test_other_refusals_are_not_tried_again() -> None:
    with scripted(PlainTextResponse("<html>", 500)) as (url, asked), pytest.raises(ServeError, match="HTTP 500"):
        Client(url).models()
    assert len(asked) == 1


def test_a_service_that_is_not_there_is_said() -> None:
    with pytest.raises(ServeError, match="does not answer"):
        Client("http://127.0.0.1:1", tries=2).models()


def test_a_cut_stream_is_taken_up_again() -> None:
    cut = StreamingResponse(iter([f"data: {json.dumps(RUNNING)}\n\n"]))
    done = JSONResponse({**RUNNING, "state": "done", "done": 2})
    with scripted(cut, JSONResponse(RUNNING), done) as (url, asked):
        steps: list[int] = []
        told: Callable[[object], None] = lambda one: steps.append(one.done)  # type: ignore[attr-defined]  # noqa: E731
        assert Client(url).wait("j", progress=told) == []
    assert asked[0] == "GET /v1/jobs/j/events"
    assert steps == [1]


def test_a_job_that_failed_says_why() -> None:
    failed = {**RUNNING, "state": "failed", "error": "no space is left"}
    stream = StreamingResponse(iter([f"event: progress\ndata: {json.dumps(failed)}\n\n"]))
    with scripted(stream) as (url, _), pytest.raises(ServeError, match="no space is left"):
        Client(url).wait("j")


def test_a_silent_service_is_given_up_after_the_timeout() -> None:
    async def slow(_: Request) -> Response:
        import asyncio

        await asyncio.sleep(1)
        return BUSY

    with served(Starlette(routes=[Route("/v1/models", slow)])) as url:
        began = time.monotonic()
        with pytest.raises(ServeError, match="does not answer"):
            Client(url, timeout_s=0.2, tries=1).models()
        assert time.monotonic() - began < 1
