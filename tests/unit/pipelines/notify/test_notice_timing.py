"""When something is told, tried again, given up, escalated."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.notify.backoff import Backoff
from pipelines.notify.notice import RANKS, Stage, Urgency
from pipelines.notify.quiet import QuietHours
from pipelines.notify.route import Route
from sievert.errors import DeliveryError, RefusedNoticeError, SievertError
from sievert.settings import NotifySettings
from tests.notices import NEVER, Clock, Ear, away, seal_job, tell

NIGHT: dict[str, Any] = {"quiet_hours": "22:00-07:00", "time_zone": "Europe/Berlin"}


def quiet(**changes: Any) -> QuietHours:  # noqa: ANN401 - each setting has its own type
    return QuietHours(NotifySettings.model_validate({**NIGHT, **changes}))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-10T21:59:59+01:00", None),
        ("2026-01-10T22:00:00+01:00", "2026-01-11T07:00:00+01:00"),
        ("2026-01-11T00:00:00+01:00", "2026-01-11T07:00:00+01:00"),
        ("2026-01-11T06:59:59+01:00", "2026-01-11T07:00:00+01:00"),
        ("2026-01-11T07:00:00+01:00", None),
        ("2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("2026-03-29T05:00:00+00:00", None),
        ("2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("2026-10-25T05:59:00+00:00", "2026-10-25T07:00:00+01:00"),
    ],
)
def test_quiet_hours_run_over_midnight_and_over_a_change_of_clocks(now: str, end: str | None) -> None:
    assert quiet().end(datetime.fromisoformat(now)) == (None if end is None else datetime.fromisoformat(end))


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end_once() -> None:
    night = quiet(quiet_hours="22:00-02:30")
    ends = [night.end(datetime.fromisoformat(f"2026-10-25T{now}+00:00")) for now in ("00:29", "00:30", "01:15")]
    assert [end is not None for end in ends] == [True, False, False]


def test_quiet_hours_by_day_and_none_at_all() -> None:
    noon = datetime.fromisoformat("2026-01-10T12:30:00+01:00")
    assert quiet(quiet_hours="12:00-13:00").end(noon) == datetime.fromisoformat("2026-01-10T13:00:00+01:00")
    assert quiet(quiet_hours=None).end(noon) is None


@pytest.mark.parametrize("wrong", ["22-7", "24:00-07:00", "22:00-22:00", "x"])
def test_hours_that_are_none_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        quiet(quiet_hours=wrong)
    with pytest.raises(ValueError, match="time zone"):
        quiet(time_zone="Europe/Nowhere")


def test_at_night_people_are_told_of_what_cannot_wait_and_machines_of_all(tmp_path: Path) -> None:
    job, clock = seal_job(tmp_path, [0.95, 0.7, 0.5]), Clock("2026-01-10T23:00:00+01:00")
    person, machine = Ear("person"), Ear("machine")
    routes = [Route(person), Route(machine, disturbs=False)]
    tell(job, *routes, clock=clock, **NIGHT, **NEVER)
    assert [one for one, _ in person.heard] == [job.id_of(0)]
    assert len(machine.heard) == 3
    clock.later(hours=8)
    told = tell(job, *routes, clock=clock, **NIGHT, **NEVER)
    assert [one for one, _ in person.heard] == [job.id_of(index) for index in (0, 1, 2)]
    assert told.standing.waiting == 0


def test_stat_never_waits() -> None:
    night = datetime.fromisoformat("2026-01-10T23:00:00+01:00")
    assert quiet(quiet_below="stat").least_urgent(night) == RANKS[Urgency.STAT]


def test_the_clock_of_escalation_starts_when_people_are_told(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.7]), Clock("2026-01-10T23:00:00+01:00"), Ear()
    delays: dict[str, Any] = {"escalate_after_s": {"urgent": 3600}}
    heard = []
    for hours in (0, 7.9, 0.5, 0.7):
        clock.later(hours=hours)
        tell(job, ear, clock=clock, **NIGHT, **delays)
        heard.append(len(ear.heard))
    assert heard == [0, 0, 1, 2]
    assert [stage for _, stage in ear.heard] == [Stage.STORED, Stage.ESCALATED]


def test_waits_double_up_to_the_longest_and_chance_only_shortens_them() -> None:
    settings = NotifySettings(first_retry_s=10, longest_retry_s=100)
    assert [Backoff(settings, lambda: 1.0).wait_s(attempts) for attempts in range(1, 7)] == [10, 20, 40, 80, 100, 100]
    assert Backoff(settings, lambda: 0.0).wait_s(3) == 20
    assert Backoff(settings).wait_s(10_000) <= 100


def test_a_receivers_wish_to_be_left_alone_is_honoured_up_to_a_day() -> None:
    backoff = Backoff(NotifySettings(first_retry_s=10))
    assert backoff.wait_s(1, asked_s=600) == 600
    assert backoff.wait_s(1, asked_s=1e9) == 86_400
    assert backoff.wait_s(1, asked_s=1) >= 5


def test_what_was_refused_for_good_is_a_dead_letter_at_once(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95, 0.7]), Ear()
    ear.fails = lambda notice: RefusedNoticeError("no") if notice.id == job.id_of(0) else None
    told = tell(job, ear)
    tell(job, ear)
    assert (told.standing.dead, told.standing.sent, ear.attempts[job.id_of(0)]) == (1, 1, 1)


def test_what_failed_for_long_is_a_dead_letter_and_not_before(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95]), Clock(), Ear(fails=away)
    dead = []
    for hours in (0, 23, 2):
        clock.later(hours=hours)
        dead.append(tell(job, ear, clock=clock, give_up_after_s=86_400, **NEVER).standing.dead)
    assert dead == [0, 0, 1]
    assert ear.attempts.total() == 3


def test_nothing_is_tried_before_its_time(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95]), Clock(), Ear(fails=away)
    for seconds in (0, 4, 7, 1000):
        clock.later(seconds=seconds)
        tell(job, ear, clock=clock, first_retry_s=10)
    assert ear.attempts.total() == 3


def test_a_receiver_that_is_away_is_asked_thrice_a_pass_and_delays_no_other(tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95] * 12)
    gone, there = Ear("gone", fails=away), Ear("there")
    told = tell(job, gone, there)
    assert gone.attempts.total() == 3
    assert len(there.heard) == 12
    assert (told.standing.waiting, told.standing.failing) == (12, 3)


def test_a_notice_that_its_receiver_chokes_on_does_not_hold_up_the_others(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95] * 8), Clock(), Ear()
    ear.fails = lambda notice: DeliveryError("chokes") if notice.record["index"] in (0, 1) else None
    tell(job, ear, clock=clock)
    assert {one for one, _ in ear.heard} == {job.id_of(index) for index in range(2, 8)}


def test_a_channel_with_a_fault_of_its_own_stops_nothing_and_tells_nothing(tmp_path: Path) -> None:
    job, there = seal_job(tmp_path, [0.95]), Ear("there")
    broken = Ear("broken")
    broken.fails = lambda notice: ValueError(notice.identity["PatientID"])  # type: ignore[assignment,return-value] # the claim
    told = tell(job, broken, there)
    assert (told.standing.sent, told.standing.waiting) == (1, 1)
    assert b"PID-4711" not in (job.keys.folder / "notices" / f"{job.job}.sqlite").read_bytes()


def test_one_that_wants_to_be_left_alone_is_left_alone(tmp_path: Path) -> None:
    job, clock, ear = seal_job(tmp_path, [0.95] * 4), Clock(), Ear()

    def busy(_: object) -> SievertError:
        error = DeliveryError("busy")
        error.asked_s = 900
        return error

    ear.fails = busy
    tell(job, ear, clock=clock)
    assert ear.attempts.total() == 1
