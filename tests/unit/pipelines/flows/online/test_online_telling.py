"""Whom the settings name is told of online results, once, and by whichever service comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from pipelines.flows.online.rolling import Roller, count_jobs
from pipelines.flows.online.screener import OnlineScreener
from pipelines.flows.online.starting import make_online_task
from pipelines.flows.online.telling import OnlineTeller, tell_nobody
from pipelines.notify.notice import Stage
from pipelines.notify.route import Route
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from sievert.settings import NotifySettings
from tests.jobs import settings_in
from tests.notices import NEVER, Ear, away

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = NotifySettings(rules=[{"urgency": "routine"}], first_retry_s=0.01, **NEVER)


class Site:
    """A service's folders, with a replica that is started anew for each study."""

    def __init__(self, home: Path) -> None:
        self.results, self._task = home / "results", make_online_task("default", home / "results", settings_in(home))
        self.keys = KeyStore(home / "keys")
        self._roller = Roller(self.results, self.keys, lambda _: EmbeddedLedger(home / "ledger.sqlite"))

    def screen(self, seed: int) -> str:
        """A study that is closed and anchored; its record."""
        screener = OnlineScreener(self._task)
        record: str = screener.screen(png(seed)).record["record"]
        screener.stop()
        assert self._roller.run_once() == 1
        return record

    def teller(self, ear: Ear) -> OnlineTeller:
        return OnlineTeller(self.results, self.keys, SETTINGS, [Route(ear)])


def png(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (90, 70), dtype=np.uint8)
    return cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 5) * 2)[1].tobytes()


def told(ear: Ear) -> list[tuple[str, Stage]]:
    return [(notice.record["record"], notice.stage) for notice in ear.notices]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_closed_job_is_told_of_once_also_by_the_next_service(site: Site) -> None:
    ear = Ear()
    teller = site.teller(ear)
    record = site.screen(1)
    assert teller.run_once() == 2
    assert told(ear) == [(record, Stage.STORED), (record, Stage.ANCHORED)]
    assert teller.run_once() == site.teller(ear).run_once() == 0


def test_jobs_of_a_time_when_nobody_was_named_are_not_told_of(site: Site) -> None:
    ear = Ear()
    site.teller(ear)
    tell_nobody(site.results)
    site.screen(1)
    teller = site.teller(ear)
    later = site.screen(2)
    teller.run_once()
    assert {record for record, _ in told(ear)} == {later}


def test_a_receiver_that_is_away_is_told_by_a_later_pass(site: Site) -> None:
    ear = Ear(fails=away)
    teller = site.teller(ear)
    record = site.screen(1)
    teller.run_once()
    assert ear.heard == []
    ear.fails = lambda _: None
    time.sleep(0.05)
    teller.stop()
    assert {one for one, _ in told(ear)} == {record}


def test_a_job_that_is_damaged_does_not_keep_others_from_being_told_of(site: Site) -> None:
    ear = Ear()
    teller = site.teller(ear)
    site.screen(1)
    (damaged,) = site.results.glob("*/job.json")
    sound = site.screen(2)
    damaged.write_text("{")
    teller.run_once()
    assert {record for record, _ in told(ear)} == {sound}
    assert "telling of a rolling job failed" in teller.problem


def test_a_failure_is_shown_in_the_status_until_it_is_over(site: Site) -> None:
    ear = Ear()
    teller = site.teller(ear)
    site.screen(1)
    private = site.keys.folder / "recipient.key"
    kept = private.read_bytes()
    private.unlink()
    assert teller.run_once() == 0
    assert "telling of a rolling job failed" in count_jobs(site.results, site.keys.folder).problem == teller.problem
    private.write_bytes(kept)
    private.chmod(0o600)
    assert teller.run_once() == 2
    assert count_jobs(site.results, site.keys.folder).problem == teller.problem == ""
