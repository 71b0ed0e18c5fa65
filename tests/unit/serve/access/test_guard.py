from __future__ import annotations

import statistics
import time
from dataclasses import replace
from pathlib import Path

import pytest

from serve.access.guard import Guard
from serve.access.principal import Role
from sievert.errors import AccessError, ServeError
from sievert.settings import ServeSettings
from tests.oidcprovider import OidcProvider

REQUIRED_S = 0.3e-3


def test_checking_an_api_key_costs_far_less_than_an_answer(guard: Guard) -> None:
    _, text = guard.keys.add("ct-1", [Role.SUBMITTER], lifetime_s=3600)
    headers, took = {"authorization": f"Bearer {text}"}, []
    for _ in range(501):
        began = time.perf_counter()
        guard.authenticate(headers, {})
        took.append(time.perf_counter() - began)
    assert statistics.median(took) < REQUIRED_S


def test_only_a_token_that_was_not_checked_yet_may_wait_for_the_provider(guard: Guard, provider: OidcProvider) -> None:
    _, text = guard.keys.add("ct-1", [Role.SUBMITTER], lifetime_s=3600)
    token = {"authorization": f"Bearer {provider.token()}"}
    assert [guard.waits(one) for one in ({}, {"authorization": f"Bearer {text}"}, token)] == [False, False, True]
    guard.authenticate(token, {})
    assert not guard.waits(token)


@pytest.mark.parametrize("told", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a,b", "bearer\ta"])
def test_an_authorization_that_is_no_bearer_token_is_refused(guard: Guard, told: str) -> None:
    with pytest.raises(AccessError, match="no bearer token"):
        guard.authenticate({"authorization": told}, {})


def test_a_header_that_is_refused_is_not_made_good_by_a_cookie(guard: Guard) -> None:
    _, text = guard.keys.add("ct-1", [Role.SUBMITTER], lifetime_s=3600)
    _, sealed = guard.begin_session(guard.check(text))
    guard.authenticate({}, {guard.cookie: sealed})
    with pytest.raises(AccessError):
        guard.authenticate({"authorization": "Bearer x"}, {guard.cookie: sealed})


def test_without_a_provider_no_token_is_taken(state: Path, provider: OidcProvider) -> None:
    with pytest.raises(AccessError, match="none of this service"):
        Guard(ServeSettings(), state).authenticate({"authorization": f"Bearer {provider.token()}"}, {})


def test_a_sessions_roles_are_those_that_its_key_has_now(guard: Guard) -> None:
    _, text = guard.keys.add("ct-1", [Role.SUBMITTER], lifetime_s=3600)
    session, _ = guard.begin_session(guard.check(text))
    sealed = guard.sessions.seal(replace(session, roles=("admin",)))
    assert guard.authenticate({}, {guard.cookie: sealed}).roles == {Role.SUBMITTER}


def test_a_folder_that_others_may_look_into_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ServeError, match="others may look"):
        Guard(ServeSettings(), tmp_path)
