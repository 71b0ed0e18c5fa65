from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from serve.access.principal import Principal, Role
from serve.operations.journal import Journal
from serve.operations.metrics import Metrics
from serve.operations.notes import note_study
from serve.operations.tracing import NoTracing
from serve.operations.watch import Watch
from tests.unit.serve.operations.pages import samples_of

MARIA = "MARIA^MUSTER"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines = list[dict[str, Any]]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


class Watched:
    def __init__(self, *, addresses: bool = False) -> None:
        self.metrics, self.kept = Metrics(None), Kept()
        self.journal = Journal(self.kept)
        app = FastAPI()

        @app.get("/v1/jobs/{job}")
        async def job(job: str, request: Request) -> str:
            request.state.principal = Principal(MARIA, frozenset({Role.READER}), "session")
            note_study("default", {"admission": 0.002, "total": 0.01})
            note_study("default", {"admission": 0.003, "total": 0.01})
            return job

        @app.get("/broken")
        async def broken() -> str:
            raise RuntimeError(MARIA)

        watch = Watch(
            app,
            name="front",
            metrics=self.metrics,
            journal=self.journal,
            tracing=NoTracing(),
            addresses=addresses,
        )
        transport = httpx.ASGITransport(watch, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://service.test")

    def lines(self) -> list[dict[str, Any]]:
        self.journal.stop()
        return self.kept.lines


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.mark.anyio
async def test_a_request_is_told_by_its_route_and_nothing_that_it_brought(watched: Watched) -> None:
    await watched.client.get(f"/v1/jobs/{MARIA}?patient={MARIA}", headers={"Sievert-Patient": MARIA})
    (line,) = watched.lines()
    assert MARIA not in json.dumps(line)
    assert (line["route"], line["method"], line["status"], line["by"]) == ("/v1/jobs/{job}", "GET", 200, "session")
    assert (line["model"], line["studies"], line["stage_ms"]["admission"]) == ("default", 2, pytest.approx(5))
    assert "address" not in line


@pytest.mark.anyio
async def test_the_address_is_there_only_where_it_is_wanted() -> None:
    watched = Watched(addresses=True)
    await watched.client.get("/v1/jobs/1")
    assert watched.lines()[0]["address"] == "127.0.0.1"


@pytest.mark.anyio
async def test_a_path_that_is_nowhere_makes_no_series_of_its_own(watched: Watched) -> None:
    for path in (f"/{MARIA}", "/.env", "/wp-admin"):
        await watched.client.get(path)
    assert samples_of(watched.metrics.registry)["sievert_requests_total", "none", "GET", "404"] == 3
    assert {line["route"] for line in watched.lines()} == {"none"}


@pytest.mark.anyio
async def test_an_error_that_got_through_is_a_500_and_out_of_hand(watched: Watched) -> None:
    answer = await watched.client.get("/broken")
    found = samples_of(watched.metrics.registry)
    assert answer.status_code == 500
    assert found["sievert_requests_total", "/broken", "GET", "500"] == 1
    assert found["sievert_requests_in_hand", "front"] == 0
    assert MARIA not in json.dumps(watched.lines())


@pytest.mark.anyio
@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "ä", 'a"}\n{"b'])
async def test_an_id_that_cannot_stand_in_a_log_gives_way_to_one_of_ours(watched: Watched, given: str) -> None:
    answer = await watched.client.get("/v1/jobs/1", headers=[(b"x-request-id", given.encode("utf-8"))])
    assert answer.headers["x-request-id"] == watched.lines()[0]["request"] != given
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.anyio
async def test_a_sane_id_is_kept(watched: Watched) -> None:
    await watched.client.get("/v1/jobs/1", headers={"X-Request-ID": "ct-1.2026_17"})
    assert watched.lines()[0]["request"] == "ct-1.2026_17"
