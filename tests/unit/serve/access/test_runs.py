from __future__ import annotations

import stat
from pathlib import Path

import pytest

from serve.access import statefolder
from serve.access.runs import FILE, Runs
from sievert.errors import AccessError


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefolder, "CHECK_S", 0.0)


def begun(state: Path) -> str:
    token = Runs(state).begin(one_time=True)
    assert token
    return token


def test_the_token_of_this_run_is_known_to_every_replica_and_written_nowhere(state: Path) -> None:
    token = begun(state)
    assert Runs(state).check(token).id
    assert token.removeprefix("svo_") not in (state / FILE).read_text()
    assert stat.S_IMODE((state / FILE).stat().st_mode) == 0o600


def test_the_token_of_an_earlier_run_is_refused(state: Path) -> None:
    replica, token = Runs(state), begun(state)
    earlier = replica.check(token).id
    begun(state)
    with pytest.raises(AccessError):
        replica.check(token)
    with pytest.raises(AccessError):
        replica.still(earlier)


def test_a_run_that_was_ended_has_no_token(state: Path) -> None:
    token = begun(state)
    Runs(state).end()
    with pytest.raises(AccessError):
        Runs(state).check(token)


@pytest.mark.parametrize("token", ["svo_", "svo_" + "0" * 64, "", "svo_" + "e" * 63])
def test_a_run_without_a_token_takes_none(state: Path, token: str) -> None:
    assert Runs(state).begin(one_time=False) is None
    with pytest.raises(AccessError):
        Runs(state).check(token)
