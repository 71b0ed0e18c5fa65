"""What is told, to whom, and when."""

from __future__ import annotations

from pathlib import Path

from pipelines.notify.notice import Stage, Urgency
from pipelines.notify.route import Route
from tests.notices import Clock, Ear, away, seal_job, tell

STORED, ANCHORED = Stage.STORED, Stage.ANCHORED


def test_the_most_urgent_is_told_first_and_what_is_negative_not_at_all(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.5, 0.7, 0.1, 0.95]), Ear()
    told = tell(job, ear)
    assert [one for one, _ in ear.heard] == [job.id_of(index) for index in (3, 1, 0)]
    assert [one.urgency for one in ear.notices] == [Urgency.ASAP, Urgency.URGENT, Urgency.ROUTINE]
    assert (told.sent, told.standing.waiting, told.is_over) == (3, 0, False)


def test_a_notice_carries_the_record_and_the_identity_envelope(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95]), Ear()
    tell(job, ear)
    notice = ear.notices[0]
    assert notice.record["probability"] == 0.95
    assert notice.identity["PatientID"] == "PID-4711"
    assert notice.issued == "2026-03-02T12:00:00+00:00"
    assert notice.anchor is None


def test_shards_are_told_as_they_are_stored_and_each_once(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95] * 8, commit=False), Ear()
    job.commit(1)
    tell(job, ear)
    assert {one for one, _ in ear.heard} == {job.id_of(index) for index in range(4, 8)}
    job.commit(0)
    tell(job, ear)
    tell(job, ear)
    assert sorted(ear.heard) == sorted((job.id_of(index), STORED) for index in range(8))


def test_the_anchors_state_follows_once_as_an_update(tmp_path: Path) -> None:
    job, ear = seal_job(tmp_path, [0.95, 0.1, 0.7]), Ear()
    tell(job, ear)
    job.anchor()
    told = tell(job, ear, escalate_after_s={"asap": None, "urgent": None, "stat": None})
    tell(job, ear)
    assert ear.heard == [(job.id_of(index), stage) for stage in (STORED, ANCHORED) for index in (0, 2)]
    assert [one.anchor is not None for one in ear.notices] == [False, False, True, True]
    assert told.is_over


def test_an_update_never_overtakes_what_it_updates(tmp_path: Path) -> None:
    job, clock = seal_job(tmp_path, [0.95]), Clock()
    ear = Ear(fails=away)
    tell(job, ear, clock=clock)
    job.anchor()
    told = tell(job, ear, clock=clock)
    assert (ear.heard, told.standing.waiting) == ([], 2)
    ear.fails = lambda _: None
    clock.later(hours=1)
    tell(job, ear, clock=clock)
    assert ear.heard == [(job.id_of(0), STORED), (job.id_of(0), ANCHORED)]


def test_a_channel_is_told_only_what_is_urgent_enough_and_of_the_stages_that_it_wants(tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95, 0.5, 0.7])
    job.anchor()
    urgent, stored = Ear("urgent"), Ear("stored")
    tell(job, Route(urgent, least=Urgency.ASAP), Route(stored, frozenset({STORED})))
    assert urgent.heard == [(job.id_of(0), STORED), (job.id_of(0), ANCHORED)]
    assert stored.heard == [(job.id_of(index), STORED) for index in (0, 2, 1)]
