"""One trial trains as its values say, and what goes wrong in it is told, not raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.networks.spec import NetworkSpec
from models.training.choices import apply_values
from models.training.loop import fit_network
from models.training.settings import LabelledSet, TrainingSettings
from pipelines.flows.training.storage import RunStorage
from pipelines.flows.tuning.trial import TrialRun, name_state
from sievert.errors import StorageError

SPEC = NetworkSpec(arch="hybrid", shape=(16, 16), options={"widths": (8, 8, 8, 8), "depths": (1, 1), "heads": 2})
SETTINGS = TrainingSettings(epochs=3, batch_size=8, precision="fp32", threads=1)
VALUES = {"training.learning_rate": 0.002, "network.dropout": 0.1}


def draw_set(images: int, seed: int) -> LabelledSet:
    draw = np.random.default_rng(seed)
    labels = np.arange(images) % 2
    pixels = draw.integers(0, 100, (images, 1, 16, 16)) + 80 * labels[:, None, None, None]
    return LabelledSet(pixels.astype(np.uint8), labels.astype(np.int64))


SETS = draw_set(24, 0), draw_set(8, 1)


@pytest.fixture
def task(tmp_path: Path) -> dict[str, Any]:
    RunStorage(str(tmp_path)).save_sets("sets.npz", *SETS)
    return {
        "storage": str(tmp_path),
        "sets": "sets.npz",
        "spec": SPEC.model_dump(mode="json"),
        "settings": SETTINGS.model_dump(mode="json"),
        "start": None,
        "number": 2,
        "values": VALUES,
    }


def run(trial: TrialRun) -> list[dict[str, Any]]:
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    return results


def test_a_trial_sees_what_training_with_its_values_sees(task: dict[str, Any]) -> None:
    spec, settings = apply_values(SPEC, SETTINGS, VALUES)
    _, epochs = fit_network(*SETS, spec, settings, on_epoch=lambda _: None)
    assert [(one["epoch"], one["validation_loss"], one["validation_accuracy"]) for one in run(TrialRun(task))] == [
        (epoch.number, epoch.validation_loss, epoch.validation_accuracy) for epoch in epochs
    ]


def test_only_the_last_epoch_is_called_the_last(task: dict[str, Any]) -> None:
    assert [one["last"] for one in run(TrialRun(task))] == [False, False, True]


def test_an_interrupted_trial_tells_again_what_it_knew_and_ends_as_if_nothing_had_happened(
    task: dict[str, Any], tmp_path: Path
) -> None:
    undisturbed = run(TrialRun(task))
    interrupted = TrialRun(task, keep_every_s=0)
    interrupted.step()
    interrupted.step()
    assert (tmp_path / name_state(2)).is_file()
    assert run(TrialRun(task)) == undisturbed


def test_a_short_trial_writes_no_state(task: dict[str, Any], tmp_path: Path) -> None:
    run(TrialRun(task))
    assert not (tmp_path / name_state(2)).exists()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"training.learning_rate": 1e30}, "not finite"),
        ({"network.dropout": 2}, "network.dropout cannot be 2"),
        ({"network.heads": 3}, "heads"),
        ({"training.freeze": 99}, "cannot be frozen"),
    ],
)
def test_a_trial_that_cannot_go_on_says_why_and_raises_nothing(
    task: dict[str, Any], values: dict[str, Any], reason: str
) -> None:
    last = run(TrialRun({**task, "values": values}))[-1]
    assert (last["epoch"], last["done"]) == (0, True)
    assert reason in last["failure"]


def test_running_out_of_memory_fails_the_trial_alone(task: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("models.training.loop.build_network", refuse)
    assert TrialRun(task).step()["failure"] == "out of memory"


def test_an_error_that_nobody_foresaw_fails_the_trial_alone(
    task: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.loop.Training.run_epoch", lambda _: 1 / 0)
    assert "ZeroDivisionError" in TrialRun(task).step()["failure"]


def test_a_storage_that_cannot_be_read_is_raised_so_that_it_is_tried_again(task: dict[str, Any]) -> None:
    with pytest.raises(StorageError):
        TrialRun({**task, "sets": "gone.npz"}).step()
