"""The process that admits may die at any moment, and a request beside it may fail: no study gets another's answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pipelines.flows.online.screener import OnlineScreener
from pipelines.flows.online.starting import make_online_task
from sievert.errors import ModelError
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


@pytest.fixture(scope="module")
def studies() -> list[bytes]:
    noise = np.random.default_rng(3)
    drawn = [cv2.GaussianBlur(noise.integers(0, 255, (96, 80), dtype=np.uint8), (0, 0), 5) * 2 for _ in range(2)]
    return [cv2.imencode(".png", one)[1].tobytes() for one in drawn]


def process_of(screener: Screener) -> psutil.Process:
    return psutil.Process(screener.it._sidecars._all[0]._process.pid)


def told(screener: Screener, study: bytes) -> object:
    return screener.it.screen(study).record.get("probabilities")


def test_a_network_that_fails_does_not_leave_its_study_to_the_next_request(
    screener: Screener, studies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [told(screener, study) for study in studies]
    assert wanted[0] != wanted[1]

    def fail(_: object) -> None:
        raise ModelError("the network failed")

    with monkeypatch.context() as patched:
        patched.setattr(screener.it._batcher, "submit", fail)
        with pytest.raises(ModelError):
            screener.it.screen(studies[0])
    assert [told(screener, study) for study in reversed(studies)] == wanted[::-1]


def test_a_study_whose_admission_was_killed_is_admitted_by_another_process(
    screener: Screener, studies: list[bytes]
) -> None:
    wanted, process = told(screener, studies[0]), process_of(screener)
    process.suspend()
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(told(screener, studies[0])))
    asking.start()
    time.sleep(0.2)
    process.kill()
    asking.join(30)
    assert found == [wanted]


def test_a_study_that_kills_its_decoder_is_refused_and_the_next_one_is_not(
    screener: Screener, studies: list[bytes]
) -> None:
    wanted, process = told(screener, studies[1]), process_of(screener)
    process.suspend()
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(screener.it.screen(studies[1]).record["reason"]))
    asking.start()
    time.sleep(0.2)
    process.send_signal(11)
    process.resume()
    asking.join(30)
    assert found == ["format.decoder-crashed"]
    assert told(screener, studies[1]) == wanted
