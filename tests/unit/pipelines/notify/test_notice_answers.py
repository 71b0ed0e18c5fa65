"""Acknowledging, escalating, erasing; and what stands nowhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.notify.answering import acknowledge_notices, retry_notices
from pipelines.notify.notice import Stage, Urgency
from pipelines.notify.queuefile import queue_place
from pipelines.notify.queueview import listed
from pipelines.notify.route import Route
from pipelines.notify.rules import urgency_of
from pipelines.results.custody.erasing import erase
from pipelines.results.keystore import KeyStore
from sievert.cli.main import run
from sievert.errors import DataError, DeliveryError, IntegrityError, RefusedNoticeError
from sievert.settings import NotifyRule, load_settings
from tests.notices import NEVER, PLANTED, SECRET, Clock, Ear, Receiver, Sealed, seal_job, tell
from tests.stores import quiet

ESCALATED = Stage.ESCALATED
DAY: dict[str, Any] = {"escalate_after_s": {"asap": 3600, "urgent": 7200}}


def said(job: Sealed, what: str) -> list[dict[str, Any]]:
    lines = (job.keys.folder / "audit.jsonl").read_text().splitlines()
    return [entry["about"] for entry in map(json.loads, lines) if entry["what"] == what]


def test_what_nobody_acknowledged_in_time_is_escalated_once(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95, 0.7, 0.5]), Clock(), Ear()
    for hours in (0, 0.9, 0.2, 1, 100):
        clock.later(hours=hours)
        tell(job, ear, clock=clock, **DAY)
    assert [one for one, stage in ear.heard if stage is ESCALATED] == [job.id_of(0), job.id_of(1)]


def test_what_was_acknowledged_is_not_escalated_and_the_log_says_by_whom(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95, 0.95]), Clock(), Ear()
    tell(job, ear, clock=clock, **DAY)
    assert acknowledge_notices(job.out, job.keys, [job.id_of(0)], by="Dr. Who") == [job.id_of(0)]
    assert acknowledge_notices(job.out, job.keys, [f"{0:032x}"], by=None) == []
    clock.later(hours=2)
    told = tell(job, ear, clock=clock, **DAY)
    assert [one for one, stage in ear.heard if stage is ESCALATED] == [job.id_of(1)]
    assert said(job, "acknowledged")[0] == {"by": "Dr. Who", "job": job.job, "notices": [job.id_of(0)]}
    assert (told.standing.acknowledged, told.unanswered) == (1, 0)


def test_an_escalation_that_waits_is_dropped_by_an_acknowledgement(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95]), Clock(), Ear()
    tell(job, ear, clock=clock, **DAY)
    clock.later(hours=2)
    ear.fails = lambda _: DeliveryError("away")
    tell(job, ear, clock=clock, **DAY)
    acknowledge_notices(job.out, job.keys, [job.id_of(0)], by=None)
    ear.fails = lambda _: None
    clock.later(hours=2)
    tell(job, ear, clock=clock, **DAY)
    assert [stage for _, stage in ear.heard] == [Stage.STORED]


def test_what_was_acknowledged_at_a_receiver_is_not_escalated(tmp_path: Path) -> None:
    class Registry(Ear):
        def acknowledged(self, notices: list[str]) -> set[str]:
            return {one for one in notices if one == job.id_of(0)}

    job, clock, ear = seal_job(tmp_path, [0.95, 0.95]), Clock(), Registry()
    for hours in (0, 2):
        clock.later(hours=hours)
        tell(job, ear, clock=clock, **DAY)
    assert [one for one, stage in ear.heard if stage is ESCALATED] == [job.id_of(1)]
    assert said(job, "acknowledged") == [{"by": "receiver", "job": job.job, "notices": [job.id_of(0)]}]


def test_an_escalation_goes_out_behind_a_dead_letter(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95]), Clock(), Ear()
    ear.fails = lambda notice: RefusedNoticeError("no") if notice.stage is Stage.STORED else None
    job.anchor()
    for hours in (0, 2):
        clock.later(hours=hours)
        told = tell(job, ear, clock=clock, **DAY)
    assert ear.heard == [(job.id_of(0), ESCALATED)]
    assert (told.standing.held, told.standing.waiting) == (1, 0)


def test_dead_letters_are_listed_and_sent_when_they_are_asked_for(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95, 0.7]), Ear(fails=lambda _: RefusedNoticeError("the receiver says no"))
    tell(job, ear)
    file = queue_place(job.keys.folder, job.job)
    assert [(row["notice"], row["problem"]) for row in listed(file, state="dead")] == [
        (job.id_of(index), "the receiver says no") for index in (0, 1)
    ]
    ear.fails = lambda _: None
    assert retry_notices(job.out, job.keys, [job.id_of(1)]) == 1
    told = tell(job, ear, clock=Clock("2100-01-01T00:00:00+00:00"), **NEVER)
    assert (told.standing.dead, ear.heard[0]) == (1, (job.id_of(1), Stage.STORED))
    assert retry_notices(job.out, job.keys, None) == 1
    with pytest.raises(DataError):
        retry_notices(job.out, job.keys, ["f" * 32])


def test_an_erased_patients_notices_are_dropped_and_counted(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95, 0.7]), Clock(), Ear(fails=lambda _: DeliveryError("away"))
    tell(job, ear, clock=clock)
    erase(KeyStore(job.keys.folder), job.records[0][0]["patient"], job=None, progress=quiet)
    ear.fails = lambda _: None
    clock.later(hours=1)
    told = tell(job, ear, clock=clock)
    assert [one for one, _ in ear.heard] == [job.id_of(1)]
    assert (told.standing.erased, told.standing.waiting, told.standing.notices) == (1, 0, 1)
    assert job.id_of(0).encode() not in queue_place(job.keys.folder, job.job).read_bytes()


def test_no_planted_identifier_stands_in_the_queue_the_log_or_an_error(
    tmp_path: Path, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    job = seal_job(tmp_path, [0.95, 0.7])
    receiver.answer = lambda _: (500, {})
    tell(job, Ear(fails=lambda _: DeliveryError("away")))
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    printed = "".join(capfd.readouterr())
    assert [word for word in PLANTED if word.encode() in written or word in printed] == []
    assert b"positive" not in queue_place(job.keys.folder, job.job).read_bytes()
    assert queue_place(job.keys.folder, job.job).stat().st_mode & 0o777 == 0o600


def test_the_log_says_what_was_opened_and_who_was_told_of_it(tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95, 0.1])
    tell(job, Ear())
    assert [one["records"] for one in said(job, "opened")] == [[f"{0:032x}", f"{1:032x}"]]
    assert said(job, "notified") == [{"channel": "ear", "job": job.job, "records": [f"{0:032x}"]}]


def test_a_damaged_shard_is_told_of_after_all_others(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95] * 8), Ear()
    job.out.shard(0).write_bytes(b"damaged")
    told = tell(job, ear)
    assert {one for one, _ in ear.heard} == {job.id_of(index) for index in range(4, 8)}
    assert (told.unread.damaged, type(told.unread.problem)) == (1, IntegrityError)


def test_a_slow_receiver_holds_up_no_other_and_is_not_waited_for_longer_than_asked(tmp_path: Path) -> None:
    job, there = seal_job(tmp_path, [0.95]), Ear("there")
    slow = Ear("slow", fails=lambda _: time.sleep(2))
    start = time.monotonic()
    tell(job, Route(slow), Route(there), wait_s=0.3)
    assert time.monotonic() - start < 1.5
    assert len(there.heard) == 1


@pytest.mark.parametrize(
    ("record", "urgency"),
    [
        ({"outcome": "screened", "decision": "positive", "probability": 0.9}, Urgency.ASAP),
        ({"outcome": "screened", "decision": "positive", "probability": 0.89}, Urgency.URGENT),
        ({"outcome": "screened", "decision": "negative", "probability": 0.01}, None),
        ({"outcome": "screened", "decision": "negative", "probability": 0.02, "diagnosis": "mass"}, Urgency.STAT),
        ({"outcome": "quarantined", "reason": "format.empty"}, Urgency.ROUTINE),
        ({"outcome": "quarantined", "reason": "scope.view"}, None),
    ],
)
def test_the_first_rule_that_fits_decides(record: dict[str, Any], urgency: Urgency | None) -> None:
    told = [
        {"diagnosis": "mass", "urgency": "stat"},
        {"outcome": "quarantined", "reason": "format", "urgency": "routine"},
    ]
    environment = {"SIEVERT_NOTIFY__RULES": json.dumps(told)}
    given = load_settings(environment=environment).settings.notify.rules
    default = load_settings(environment={}).settings.notify.rules
    assert urgency_of(record, (*given, *default)) is urgency
    assert isinstance(given[0], NotifyRule)


def test_the_commands_send_list_retry_and_acknowledge(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    job = seal_job(tmp_path, [0.95, 0.7])
    monkeypatch.setenv("SIEVERT_STORE__KEYS", str(job.keys.folder))
    monkeypatch.setenv("SIEVERT_NOTIFY__WEBHOOK__URL", receiver.url)
    receiver.answer = lambda _: (404, {})

    def command(*words: str, code: int = 0) -> Any:  # noqa: ANN401 - whatever was printed
        monkeypatch.setenv("SIEVERT_WEBHOOK_SECRET", SECRET)
        capfd.readouterr()
        assert run(["notify", words[0], str(job.out.path), *words[1:], "--json"]) == code
        return json.loads(capfd.readouterr().out)

    assert command("send", code=RefusedNoticeError.exit_code)["dead"] == 2
    assert len(command("list", "--dead")) == 2
    assert command("list", "--sent") == []
    assert command("retry", job.id_of(0)) == {"waiting_again": 1}
    assert command("acknowledge", f"{1:032x}", "--by", "Dr. Who") == {"acknowledged": [job.id_of(1)], "before": 0}
    assert command("acknowledge", "f" * 32, code=DataError.exit_code)["error"] == "DataError"
    receiver.answer = lambda _: (204, {})
    assert command("retry") == {"waiting_again": 1}
    sent = command("send")
    assert (sent["sent_now"], sent["sent"], sent["dead"], sent["acknowledged"]) == (2, 2, 0, 1)
