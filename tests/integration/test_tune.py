"""`sievert tune` ends with the best settings, killed in between or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.networks.spec import NetworkSpec
from models.training.settings import TrainingSettings
from tests.integration.processes import COMMAND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.integration.conftest import Sievert

CHOICES = ("network.widths=[8, 8, 8, 8]", "network.depths=[1, 1]", "network.heads=2", "training.batch_size=8")
TINY = (*(part for choice in CHOICES for part in ("--set", choice)), "--json")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """MedMNIST's layout: 64 pictures, of which half have a bright square."""
    draw = np.random.default_rng(0)
    arrays: dict[str, NDArray[Any]] = {}
    for split, images in (("train", 32), ("val", 16), ("test", 16)):
        labels = np.arange(images) % 2
        pixels = draw.integers(0, 120, (images, 28, 28))
        pixels[:, 8:20, 8:20] += 100 * labels[:, None, None]
        arrays |= {f"{split}_images": pixels.astype(np.uint8), f"{split}_labels": labels[:, None]}
    file = tmp_path / "tiny.npz"
    np.savez(file, allow_pickle=False, **arrays)
    return file


def trials_of(out: Path) -> list[dict[str, Any]]:
    trials: list[dict[str, Any]] = json.loads((out / "trials.json").read_bytes())["trials"]
    return trials


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_session")
def test_tuning_is_never_worse_than_the_defaults_and_writes_what_training_takes(
    sievert: Sievert, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tuned"
    command = ("tune", data, "--out", out, "--trials", 3, "--epochs", 2, *TINY)
    answer = sievert(*command)
    assert answer.code == 0, answer.err
    assert (answer.json["trials"], answer.json["failed"]) == (3, 0)
    assert answer.json["best"]["validation_loss"] <= answer.json["default"]["validation_loss"]
    trials = trials_of(out)
    assert [trial["number"] for trial in trials] == [1, 2, 3]
    assert trials[0]["values"]["training.learning_rate"] == TrainingSettings().learning_rate
    best = json.loads((out / "best.json").read_bytes())
    assert NetworkSpec.model_validate(best["network"]).options["widths"] == (8, 8, 8, 8)
    rate = answer.json["best"]["values"]["training.learning_rate"]
    assert TrainingSettings.model_validate(best["training"]).learning_rate == rate
    assert "parallel coordinates" in (out / "tuning.html").read_text("utf-8").lower()
    again = sievert(*command)  # nothing is left to do
    assert again.json == answer.json


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_session")
def test_trials_that_cannot_be_trained_are_told_and_end_nothing(sievert: Sievert, data: Path, tmp_path: Path) -> None:
    diverging = ("--set", "training.learning_rate=1e30")
    answer = sievert("tune", data, "--out", tmp_path / "tuned", "--trials", 2, "--epochs", 2, *TINY, *diverging)
    assert answer.code == 80
    assert "none of 2 trials could be trained: the loss is not finite" in answer.json["message"]


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """In a session of its own, so that one signal reaches it and all that it started."""
    command = [str(COMMAND), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.chaos
def test_killed_in_the_middle_a_search_goes_on_and_ends_with_as_many_trials(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    command = ("tune", data, "--out", out, "--trials", 4, "--epochs", 3, *TINY)
    process = start(*command)
    while process.poll() is None and not ended_before(out):
        time.sleep(0.05)
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = ended_before(out)
    assert 0 < len(before) < 4
    assert not (out / "best.json").exists()
    process = start(*command)
    answer = json.loads(process.communicate(timeout=240)[0])
    assert process.returncode == 0
    assert (answer["trials"], answer["failed"]) == (4, 0)
    kept = {trial["number"]: trial for trial in trials_of(out)}
    assert sorted(kept) == [1, 2, 3, 4]
    assert all(kept[trial["number"]] == trial for trial in before)


def ended_before(out: Path) -> list[dict[str, Any]]:
    trials = [json.loads(file.read_bytes()) for file in sorted(out.glob(".run/tuning-*/trial-*.json"))]
    return [trial for trial in trials if trial["state"] != "running"]
