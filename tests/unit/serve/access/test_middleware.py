from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from serve.access import statefolder
from serve.access.guard import Guard
from serve.access.principal import Role
from serve.access.runs import Runs
from sievert.settings import ServeSettings
from tests.oidcprovider import OidcProvider
from tests.unit.serve.access.conftest import Events, application

T = TypeVar("T")
PROBLEM = "application/problem+json"


def now(awaited: Awaitable[T]) -> T:
    async def wait() -> T:
        return await awaited

    return asyncio.run(wait())


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefolder, "CHECK_S", 0.0)


def key_of(guard: Guard, *roles: Role, name: str = "ct-1") -> dict[str, str]:
    _, text = guard.keys.add(name, roles, lifetime_s=3600)
    return {"Authorization": f"Bearer {text}"}


def is_problem(answer: httpx.Response, status: int) -> bool:
    told = answer.json()
    return bool(
        answer.status_code == status
        and answer.headers["content-type"] == PROBLEM
        and set(told) == {"type", "title", "status", "detail"}
        and told["status"] == status
    )


@pytest.mark.parametrize("path", ["/v1/who", "/v1/cases", "/docs", "/openapi.json", "/nowhere", "/health/", "/HEALTH"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "MADEUP"])
def test_nothing_is_answered_without_a_credential(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = now(client.request(method, path))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="sievert"'
    assert answer.headers["content-type"] == PROBLEM


def test_health_and_the_sign_in_page_are_open(client: httpx.AsyncClient) -> None:
    assert now(client.get("/health")).json() == "well"
    assert now(client.get("/sign-in")).status_code == 200
    assert now(client.get("/sign-in/style.css")).headers["content-type"].startswith("text/css")


def test_a_key_a_one_time_token_and_a_token_of_the_provider_let_in(
    client: httpx.AsyncClient, guard: Guard, state: Path, provider: OidcProvider
) -> None:
    one_time = Runs(state).begin(one_time=True)
    given = [
        key_of(guard, Role.SUBMITTER),
        {"authorization": f"bearer {one_time}"},
        {"Authorization": f"Bearer {provider.token()}"},
    ]
    told = [now(client.get("/v1/who", headers=headers)).json() for headers in given]
    assert told == [
        {"name": "ct-1", "roles": ["submitter"], "by": "key"},
        {"name": "one-time token", "roles": ["admin", "clinician"], "by": "one-time"},
        {"name": "reader-1 (7d1)", "roles": ["clinician"], "by": "oidc"},
    ]


def test_roles_that_do_not_allow_it_and_none_at_all_are_answered_403(
    client: httpx.AsyncClient, guard: Guard, provider: OidcProvider
) -> None:
    nobody = {"Authorization": f"Bearer {provider.token(roles=['root'])}"}
    assert now(client.get("/v1/who", headers=nobody)).json()["roles"] == []
    for headers in (nobody, key_of(guard, Role.SUBMITTER)):
        answer = now(client.get("/v1/cases", headers=headers))
        assert is_problem(answer, 403)
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert now(client.get("/v1/cases", headers=key_of(guard, Role.READER, name="r"))).status_code == 200


def test_a_running_service_refuses_a_key_that_was_revoked(client: httpx.AsyncClient, guard: Guard) -> None:
    headers = key_of(guard, Role.READER)
    assert now(client.get("/v1/cases", headers=headers)).status_code == 200
    guard.keys.revoke("ct-1")
    answer = now(client.get("/v1/cases", headers=headers))
    assert is_problem(answer, 401)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_damaged_file_of_keys_is_answered_503_and_tells_nothing(
    client: httpx.AsyncClient, guard: Guard, state: Path
) -> None:
    headers = key_of(guard, Role.READER)
    (state / "api-keys.json").write_text("{")
    answer = now(client.get("/v1/cases", headers=headers))
    assert is_problem(answer, 503)
    assert "api-keys" not in answer.text


def test_a_provider_that_is_away_is_answered_503(client: httpx.AsyncClient, provider: OidcProvider) -> None:
    provider.away = True
    headers = {"Authorization": f"Bearer {provider.token()}"}
    assert is_problem(now(client.get("/v1/cases", headers=headers)), 503)


def test_every_answer_keeps_browsers_safe_and_allows_no_other_origin(client: httpx.AsyncClient, guard: Guard) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answers = [
        now(client.get("/health", headers=asked)),
        now(client.options("/v1/who", headers=asked)),
        now(client.get("/v1/who", headers=asked)),
        now(client.get("/v1/who", headers=asked | key_of(guard, Role.READER))),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answers[-1].headers["cache-control"] == "no-store"


def test_over_tls_browsers_are_told_to_stay_with_it(state: Path, events: Events) -> None:
    settings = ServeSettings.model_validate({"public_url": "https://sievert.example"})
    guard = Guard(settings, state)
    with_tls = httpx.AsyncClient(
        transport=httpx.ASGITransport(application(guard, settings, events.append)), base_url="http://x"
    )
    assert now(with_tls.get("/health")).headers["strict-transport-security"].startswith("max-age=")
    assert guard.cookie.startswith("__Host-")


def test_more_requests_than_a_minutes_worth_have_to_wait(client: httpx.AsyncClient, guard: Guard) -> None:
    headers, other = key_of(guard, Role.READER), key_of(guard, Role.READER, name="ct-2")
    answers = [now(client.get("/v1/who", headers=headers)) for _ in range(52)]
    assert answers[0].headers["x-ratelimit-remaining"] == "49"
    refused = answers[-1]
    assert is_problem(refused, 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-ratelimit-limit"] == "50"
    assert now(client.get("/v1/who", headers=other)).status_code == 200


def test_refused_credentials_have_to_wait_and_good_ones_of_the_same_address_do_not(
    client: httpx.AsyncClient, guard: Guard, events: Events
) -> None:
    wrong = {"Authorization": f"Bearer svt_{'0' * 12}_{'0' * 64}"}
    answers = [now(client.get("/v1/who", headers=wrong)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[-1].headers["retry-after"] == "20"
    assert [event.what for event in events] == ["refused"] * 3
    assert now(client.get("/v1/who", headers=key_of(guard, Role.READER))).status_code == 200
    assert now(client.get("/v1/who")).status_code == 401


async def chunks(number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield bytes(100)


def test_a_body_has_at_most_so_many_bytes_told_or_not(client: httpx.AsyncClient, guard: Guard) -> None:
    headers = key_of(guard, Role.CLINICIAN)
    assert now(client.post("/v1/reviews", headers=headers, content=bytes(1000))).json() == {"bytes": 1000}
    assert is_problem(now(client.post("/v1/reviews", headers=headers, content=bytes(1001))), 413)
    assert now(client.post("/v1/reviews", headers=headers, content=chunks(10))).json() == {"bytes": 1000}
    assert is_problem(now(client.post("/v1/reviews", headers=headers, content=chunks(11))), 413)


def test_a_body_that_grows_too_large_on_an_open_page_is_refused(client: httpx.AsyncClient) -> None:
    form = {"Origin": "http://service.test", "Content-Type": "application/x-www-form-urlencoded"}
    assert is_problem(now(client.post("/sign-in", headers=form, content=chunks(700))), 413)


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "", "deflate"])
def test_a_compressed_body_is_refused(client: httpx.AsyncClient, guard: Guard, coding: str) -> None:
    headers = key_of(guard, Role.CLINICIAN) | {"Content-Encoding": coding}
    answer = now(client.post("/v1/reviews", headers=headers, content=b"x"))
    assert is_problem(answer, 415)
    assert answer.headers["accept-encoding"] == "identity"


SMUGGLED = {
    "two authorizations": [("authorization", "Bearer a"), ("Authorization", "Bearer b")],
    "two hosts": [("host", "a"), ("host", "b")],
    "two lengths": [("content-length", "1"), ("content-length", "2")],
    "the same length twice": [("content-length", "1"), ("content-length", "1")],
    "length and coding": [("content-length", "1"), ("transfer-encoding", "chunked")],
    "coding twice": [("transfer-encoding", "chunked"), ("transfer-encoding", "identity")],
    "another coding": [("transfer-encoding", "gzip, chunked")],
    "a signed length": [("content-length", "+1")],
    "a length of other digits": [("content-length", "\u00b9")],
    "a length without end": [("content-length", "9" * 5000)],
    "lengths in one": [("content-length", "1, 1")],
    "two origins": [("origin", "http://service.test"), ("origin", "http://evil.test")],
}


async def call(app: FastAPI, path: str, raw: list[tuple[bytes, bytes]], method: str = "POST") -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b"", "client": None}
    await app({**scope, "scheme": "http", "server": ("service.test", 80)}, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize("trick", SMUGGLED)
def test_a_request_that_could_be_read_in_two_ways_is_refused(app: FastAPI, guard: Guard, trick: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in SMUGGLED[trick]]
    held = [(name.lower().encode(), value.encode()) for name, value in key_of(guard, Role.CLINICIAN).items()]
    assert asyncio.run(call(app, "/v1/reviews", raw + held * ("authorizations" not in trick))) == 400


@pytest.mark.parametrize("path", ["/assets/../v1/who", "/..", "/a\\..\\b", "/a\x00b", "/health/../v1/who", "/a\r\nb"])
def test_a_path_that_leads_out_of_its_place_is_refused(app: FastAPI, path: str) -> None:
    assert asyncio.run(call(app, path, [], "GET")) == 400


NAMES = (
    st.sampled_from([b"authorization", b"cookie", b"host", b"content-length", b"origin", b"accept", b"x"]) | st.binary()
)


@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(raw=st.lists(st.tuples(NAMES, st.binary(max_size=300))), bearer=st.binary(max_size=200))
def test_random_headers_get_a_refusal_and_nothing_else(
    app: FastAPI, raw: list[tuple[bytes, bytes]], bearer: bytes
) -> None:
    for headers in (raw, [*raw, (b"authorization", b"Bearer " + bearer)]):
        assert asyncio.run(call(app, "/v1/who", headers, "GET")) in (400, 401, 413, 415, 429)


def test_a_browser_without_a_session_is_led_to_the_sign_in_page_and_back(client: httpx.AsyncClient) -> None:
    html = {"Accept": "text/html,application/xhtml+xml"}
    answer = now(client.get("/cases/a%20b?x=1&y=2", headers=html))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/cases/a%20b%3Fx%3D1%26y%3D2"
    assert answer.headers["cache-control"] == "no-store"
    assert now(client.get("/", headers=html)).status_code == 303
    assert now(client.get("/v1/who", headers=html)).status_code == 401
    assert now(client.post("/cases/1", headers=html)).status_code == 401
    assert now(client.get("/cases/1")).status_code == 401
    assert now(client.get("/cases/1", headers=html | {"Authorization": "Bearer x"})).status_code == 401


def test_a_websocket_is_closed_before_it_is_open(app: FastAPI) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/health", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
