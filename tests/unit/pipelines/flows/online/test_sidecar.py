from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.flows.online.screener import OnlineScreener
from pipelines.flows.online.starting import make_online_task
from tests.jobs import settings_in


class Screener:
    def __init__(self, home: Path) -> None:
        self.restarts = 0
        self.it = OnlineScreener(make_online_task("default", home / "results", settings_in(home)), restarts=self.count)

    def count(self) -> None:
        self.restarts += 1


@pytest.fixture(scope="module")
def screener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screener]:
    found = Screener(tmp_path_factory.mktemp("screener"))
    yield found
    found.it.stop()


def picture(*, dark: float) -> bytes:
    """Noise of which so much is dark."""
    noise = np.random.default_rng(3).integers(200, 255, (128, 96), dtype=np.uint8)
    noise[: int(128 * dark)] = np.random.default_rng(4).integers(0, 40, (int(128 * dark), 96), dtype=np.uint8)
    return cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 2))[1].tobytes()


def test_a_study_tells_how_bright_and_how_large_it_was(screener: Screener) -> None:
    bright, dark = (screener.it.screen(picture(dark=share)).measured for share in (0.2, 0.8))
    assert bright["size_px"] == pytest.approx(np.sqrt(128 * 96))
    assert 0 < dark["brightness"] < 0.4 < bright["brightness"] < 1


def test_what_was_refused_tells_nothing_of_itself(screener: Screener) -> None:
    assert screener.it.screen(b"no picture").measured == {}


def test_a_process_that_died_is_replaced_and_counted(screener: Screener) -> None:
    before = screener.restarts
    with screener.it._sidecars.one() as sidecar:
        sidecar._process.kill()
        sidecar._process.wait()
    answer = screener.it.screen(picture(dark=0.5))
    assert "decision" in answer.record
    assert screener.restarts == before + 1
