from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.access import statefolder
from serve.access.sessions import ENDED, SECRET, Session, Sessions
from sievert.errors import AccessError, ServeError

SESSION = Session("ab" * 16, "anna (7d1)", ("clinician",), "key:1", 2000.0)


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefolder, "CHECK_S", 0.0)


def sessions(state: Path, now: float = 1000) -> Sessions:
    return Sessions(state, clock=lambda: now)


def test_another_replica_opens_what_one_has_sealed_and_nobody_reads_it(state: Path) -> None:
    sealed = sessions(state).seal(SESSION)
    assert sessions(state).open(sealed) == SESSION
    assert "anna" not in sealed
    assert (state / SECRET).stat().st_mode & 0o777 == 0o600


def test_a_session_of_another_service_is_refused(state: Path, tmp_path: Path) -> None:
    with pytest.raises(AccessError):
        sessions(state).open(sessions(tmp_path / "other").seal(SESSION))


def test_a_session_ends_at_its_time(state: Path) -> None:
    sealed = sessions(state).seal(SESSION)
    with pytest.raises(AccessError, match="over"):
        sessions(state, now=2000).open(sealed)


def test_a_session_that_was_signed_out_is_refused_by_every_replica(state: Path) -> None:
    replica = sessions(state)
    sealed, other = replica.seal(SESSION), replica.seal(dataclasses.replace(SESSION, id="cd" * 16))
    sessions(state).end(SESSION)
    with pytest.raises(AccessError, match="over"):
        replica.open(sealed)
    replica.open(other)


def test_the_list_of_ended_sessions_forgets_those_that_are_over_anyhow(state: Path) -> None:
    sessions(state).end(SESSION)
    sessions(state, now=3000).end(dataclasses.replace(SESSION, id="cd" * 16, until=4000))
    assert "ab" * 16 not in (state / ENDED).read_text()


def test_a_token_against_forgery_is_of_one_session(state: Path) -> None:
    ours = sessions(state)
    assert ours.csrf_token(SESSION) == sessions(state).csrf_token(SESSION)
    assert ours.csrf_token(SESSION) != ours.csrf_token(dataclasses.replace(SESSION, id="cd" * 16))


def test_a_cookie_of_one_purpose_is_none_of_another(state: Path) -> None:
    ours = sessions(state)
    with pytest.raises(AccessError):
        ours.open(ours.flows.encrypt(b"{}").decode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(where=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=6), text=st.text(max_size=5000))
def test_a_changed_or_made_up_cookie_is_refused(state: Path, where: int, bit: int, text: str) -> None:
    ours = sessions(state)
    sealed = bytearray(ours.seal(SESSION), "ascii")
    sealed[where % (len(sealed) - 4)] ^= 1 << bit
    for cookie in (sealed.decode("latin-1"), text.encode("utf-8", "ignore").decode()):
        with pytest.raises(AccessError):
            ours.open(cookie)


def test_a_secret_that_was_cut_short_is_an_error(state: Path) -> None:
    sessions(state)
    (state / SECRET).write_bytes(b"short")
    with pytest.raises(ServeError, match="damaged"):
        sessions(state)
