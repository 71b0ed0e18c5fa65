from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from serve.access import statefolder
from serve.access.events import AccessEvent
from serve.access.guard import Guard
from serve.access.principal import Role
from serve.access.runs import Runs
from sievert.settings import ServeSettings
from tests.oidcprovider import OidcProvider
from tests.unit.serve.access.conftest import Events, application
from tests.unit.serve.access.test_middleware import now

OURS = {"Origin": "http://service.test", "Sec-Fetch-Site": "same-origin"}
HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefolder, "CHECK_S", 0.0)


@pytest.fixture
def key(guard: Guard) -> str:
    return guard.keys.add("desk", [Role.CLINICIAN], lifetime_s=3600)[1]


def sign_in(client: httpx.AsyncClient, credential: str, home: str = "/cases/1") -> httpx.Response:
    return now(client.post("/sign-in", data={"credential": credential, "next": home}, headers=OURS))


def csrf(client: httpx.AsyncClient) -> str:
    return str(now(client.get("/cases/1")).json()["csrf"])


def test_who_signs_in_goes_on_with_the_page_they_wanted(client: httpx.AsyncClient, key: str, events: Events) -> None:
    answer = sign_in(client, f" {key}\n")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases/1")
    assert now(client.get("/v1/who")).json() == {"name": "desk", "roles": ["clinician"], "by": "session"}
    assert events == [AccessEvent("signed in", "desk", "key", "127.0.0.1")]


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client: httpx.AsyncClient, key: str) -> None:
    cookie = sign_in(client, key).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert key not in cookie


def test_over_tls_the_cookie_is_secure(state: Path, events: Events) -> None:
    settings = ServeSettings.model_validate({"public_url": "https://sievert.example"})
    guard = Guard(settings, state)
    _, key = guard.keys.add("desk", [Role.CLINICIAN], lifetime_s=3600)
    app = application(guard, settings, events.append)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://inside.test")
    posted = {"data": {"credential": key}, "headers": {"Origin": "https://sievert.example"}}
    cookie = now(client.post("/sign-in", **posted)).headers["set-cookie"]  # type: ignore[arg-type]  # a call's two arguments
    assert cookie.startswith("__Host-sievert=")
    assert "Secure" in cookie
    wrong = now(client.post("/sign-in", data={"credential": key}, headers={"Origin": "https://inside.test"}))
    assert wrong.status_code == 403


def test_a_wrong_credential_is_told_so_and_repeated_nowhere(client: httpx.AsyncClient, events: Events) -> None:
    answer = sign_in(client, "<script>alert(1)</script>", '"><script>')
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "script" not in answer.text
    assert "set-cookie" not in answer.headers
    assert [event.what for event in events] == ["refused"]


def test_many_wrong_credentials_have_to_wait(client: httpx.AsyncClient, key: str) -> None:
    assert [sign_in(client, "wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert sign_in(client, key).status_code == 303


@pytest.mark.parametrize(
    "home",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\nb", "/" + "x" * 5000],
)
def test_nobody_is_led_elsewhere_after_signing_in(client: httpx.AsyncClient, key: str, home: str) -> None:
    assert sign_in(client, key, home).headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {**OURS, "Origin": "x"},
    ],
)
def test_another_site_signs_nobody_in(client: httpx.AsyncClient, key: str, headers: dict[str, str]) -> None:
    answer = now(client.post("/sign-in", data={"credential": key}, headers=headers))
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_change_needs_the_sessions_token_and_our_origin(client: httpx.AsyncClient, key: str, guard: Guard) -> None:
    sign_in(client, key)
    token = csrf(client)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    good = [
        now(client.post("/v1/reviews", headers=OURS | {"X-CSRF-Token": token})),
        now(client.post("/v1/reviews", headers=OURS | form, content=f"a=b&csrf={token}")),
    ]
    assert [answer.status_code for answer in good] == [200, 200]
    assert good[1].json()["bytes"] == len(f"a=b&csrf={token}")
    bad = [
        now(client.post("/v1/reviews", headers=OURS)),
        now(client.post("/v1/reviews", headers=OURS | {"X-CSRF-Token": token[:-1] + "x"})),
        now(client.post("/v1/reviews", headers={"X-CSRF-Token": token})),
        now(client.post("/v1/reviews", headers={"X-CSRF-Token": token, "Origin": "https://evil.example"})),
        now(client.post("/v1/reviews", headers={"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"})),
        now(client.post("/v1/reviews", headers=OURS | form, content=f"csrf={token}&csrf={token}")),
        now(client.post("/v1/reviews", headers=OURS | form, content=b"\xff=%")),
        now(client.delete("/v1/reviews", headers=OURS)),
    ]
    assert [answer.status_code for answer in bad] == [403] * 8
    other = guard.sessions.csrf_token(guard.begin_session(guard.check(key))[0])
    assert now(client.post("/v1/reviews", headers=OURS | {"X-CSRF-Token": other})).status_code == 403


def test_signing_out_ends_the_session_wherever_its_cookie_is(
    client: httpx.AsyncClient, key: str, guard: Guard, events: Events
) -> None:
    sign_in(client, key)
    copied = client.cookies[guard.cookie]
    answer = now(client.post("/sign-out", data={"csrf": csrf(client)}, headers=OURS))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert guard.cookie not in client.cookies
    client.cookies.set(guard.cookie, copied)
    assert now(client.get("/v1/who")).status_code == 401
    assert [event.what for event in events] == ["signed in", "signed out"]


def test_signing_out_of_a_session_that_is_over_leads_to_the_sign_in_page(client: httpx.AsyncClient) -> None:
    assert now(client.post("/sign-out", headers=OURS | HTML)).headers["location"] == "/sign-in?next=/"


def test_a_session_ends_with_the_key_it_came_from(client: httpx.AsyncClient, key: str, guard: Guard) -> None:
    sign_in(client, key)
    guard.keys.revoke("desk")
    assert now(client.get("/v1/who")).status_code == 401


def test_a_session_ends_with_the_run_whose_token_it_came_from(client: httpx.AsyncClient, state: Path) -> None:
    sign_in(client, Runs(state).begin(one_time=True) or "")
    assert now(client.get("/v1/who")).json()["by"] == "session"
    Runs(state).begin(one_time=True)
    assert now(client.get("/v1/who")).status_code == 401


def test_a_session_lasts_no_longer_than_its_key_or_token(settings: ServeSettings, state: Path) -> None:
    guard = Guard(settings, state, clock=lambda: 1000)
    _, short = guard.keys.add("short", [Role.READER], lifetime_s=60)
    _, long = guard.keys.add("long", [Role.READER], lifetime_s=10**6)
    assert guard.begin_session(guard.check(short))[0].until == 1060
    assert guard.begin_session(guard.check(long))[0].until == 1000 + settings.session_s


def test_nobody_is_signed_in_whom_the_log_cannot_have(guard: Guard, settings: ServeSettings, key: str) -> None:
    def fail(_: AccessEvent) -> None:
        raise OSError("the disk is full")

    app = application(guard, settings, fail)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://service.test"
    )
    answer = sign_in(client, key)
    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = now(client.get("/sign-in?next=/cases/1"))
    assert 'value="/cases/1"' in page.text
    assert '<html lang="en">' in page.text
    assert '<label for="credential">' in page.text
    assert not re.search(r"<script|<style|style=|\son\w+=|https?://", page.text)
    css = now(client.get("/sign-in/style.css")).text
    assert "prefers-color-scheme: dark" in css
    assert "url(" not in css


def test_who_comes_from_another_site_is_sent_on_before_they_are_asked(client: httpx.AsyncClient) -> None:
    page = now(client.get("/sign-in?next=/cases/1", headers={"Sec-Fetch-Site": "cross-site"}))
    assert 'content="0;url=/cases/1"' in page.text
    assert "form" not in page.text


def test_the_provider_signs_somebody_in(client: httpx.AsyncClient, provider: OidcProvider) -> None:
    assert 'href="/sign-in/oidc?next=/cases/1"' in now(client.get("/sign-in?next=/cases/1")).text
    left = now(client.get("/sign-in/oidc?next=/cases/1"))
    assert left.headers["location"].startswith(provider.url)
    assert "redirect_uri=http%3A%2F%2Fservice.test%2Fsign-in%2Fcallback" in left.headers["location"]
    assert "SameSite=lax" in left.headers["set-cookie"]
    back = now(client.get("/sign-in/callback", params=provider.sign_in(left.headers["location"])))
    assert 'content="0;url=/cases/1"' in back.text
    assert now(client.get("/v1/who")).json() == {"name": "reader-1 (7d1)", "roles": ["clinician"], "by": "session"}
    assert "sievert-flow" not in client.cookies


def test_an_answer_of_the_provider_without_its_question_signs_nobody_in(
    client: httpx.AsyncClient, provider: OidcProvider
) -> None:
    left = now(client.get("/sign-in/oidc"))
    client.cookies.clear()
    answer = now(client.get("/sign-in/callback", params=provider.sign_in(left.headers["location"])))
    assert answer.status_code == 401
    assert now(client.get("/v1/who")).status_code == 401


def test_a_provider_that_is_away_is_told_on_the_page(client: httpx.AsyncClient, provider: OidcProvider) -> None:
    provider.away = True
    answer = now(client.get("/sign-in/oidc"))
    assert answer.status_code == 503
    assert 'role="alert"' in answer.text


def test_a_session_of_the_provider_ends_when_the_settings_name_another(
    client: httpx.AsyncClient, provider: OidcProvider, guard: Guard, state: Path
) -> None:
    left = now(client.get("/sign-in/oidc"))
    now(client.get("/sign-in/callback", params=provider.sign_in(left.headers["location"])))
    cookies = {guard.cookie: client.cookies[guard.cookie]}
    assert guard.authenticate({}, cookies).by == "session"
    with pytest.raises(Exception, match="over"):
        Guard(ServeSettings(), state).authenticate({}, cookies)
