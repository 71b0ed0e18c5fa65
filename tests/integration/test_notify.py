"""Telling, through the front door, on a real Ray session."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from pipelines.notify.notice import notice_id
from tests.integration.conftest import Sievert
from tests.notices import SECRET, Receiver, receiving

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]

EVERYTHING = json.dumps([{"urgency": "routine"}])


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    for server in receiving():
        monkeypatch.setenv("SIEVERT_NOTIFY__WEBHOOK__URL", server.url)
        monkeypatch.setenv("SIEVERT_NOTIFY__RULES", EVERYTHING)
        monkeypatch.setenv("SIEVERT_NOTIFY__CLOSING_S", "20")
        monkeypatch.setenv("SIEVERT_WEBHOOK_SECRET", SECRET)
        yield server


def test_a_screening_tells_of_every_record_and_of_its_anchor(
    sievert: Sievert, receiver: Receiver, pictures: Path
) -> None:
    answer = sievert("screen", pictures, "--out", sievert.home / "out", "--json").json
    assert answer["notices"] == {"sent": 42, "waiting": 0, "dead": 0, "unanswered": 0}
    records = [record["record"] for record in sievert("open", sievert.home / "out", "--json").json]
    ids = [f"{notice_id(answer['job'], record)}-{stage}" for record in records for stage in ("stored", "anchored")]
    assert sorted(receiver.ids) == sorted(ids)
    told = [Webhook(SECRET).verify(body, headers)["data"] for headers, body in receiver.requests]
    assert {one["anchor"]["root"] for one in told if one["stage"] == "anchored"} == {answer["root"]}
    assert "SIEVERT_WEBHOOK_SECRET" not in os.environ


def test_a_receiver_that_is_away_costs_no_result_and_is_told_later(
    sievert: Sievert, receiver: Receiver, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = lambda _: (503, {})
    done = sievert("screen", pictures, "--out", sievert.home / "out", "--json")
    assert (done.code, done.json["anchored"], done.json["notices"]["waiting"]) == (0, True, 42)
    assert "sievert notify send" in done.err
    receiver.answer = lambda _: (204, {})
    receiver.requests.clear()
    monkeypatch.setenv("SIEVERT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("SIEVERT_NOTIFY__FIRST_RETRY_S", "0.1")
    sent = sievert("notify", "send", sievert.home / "out", "--json")
    later = len(receiver.ids)
    listed = sievert("notify", "list", sievert.home / "out", "--waiting", "--json").json
    assert later
    assert sent.json["sent"] == later
    assert len(listed) == 42 - later


def test_a_passphrase_that_is_missing_costs_no_result(
    sievert: Sievert, receiver: Receiver, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIEVERT_PASSPHRASE", "planted words")
    assert sievert("keys", "init", "--passphrase").code == 0
    monkeypatch.delenv("SIEVERT_PASSPHRASE")
    done = sievert("screen", pictures, "--out", sievert.home / "out", "--json")
    assert (done.code, done.json["anchored"], done.json["notices"]) == (0, True, None)
    assert "passphrase" in done.err
    assert not receiver.requests
