"""Claims about learning once more, from the validation split too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.training.settings import TrainingSettings
from pipelines.flows.comparing.work import train_package
from pipelines.flows.refitting import join_splits, settings_again
from pipelines.flows.train import TrainingOrder, read_order
from tests.integration.labelled import save_boxes

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_training_learns_from_all_but_the_test_split_and_runs_to_its_end(tmp_path: Path) -> None:
    data = tmp_path / "boxes.npz"
    save_boxes(data)
    order = TrainingOrder(settings=TrainingSettings(threads=1, epochs=2, refit=True, patience=1))
    read = read_order(data, order)
    joined = join_splits(read)
    assert len(joined) == len(read.train) + len(read.validation)
    assert np.array_equal(joined.labels[len(read.train) :], read.validation.labels)
    again = settings_again(order.settings, [])
    assert (again.epochs, again.keep, again.patience) == (0, "last", 0)
    once = replace(order, settings=order.settings.model_copy(update={"refit": False}))
    for name, one in (("twice", order), ("once", once)):
        train_package(read, tmp_path / name, one)
    told = {name: json.loads((tmp_path / name / "metrics.json").read_bytes()) for name in ("once", "twice")}
    assert told["once"]["validation"] == told["twice"]["validation"]
    weights = [next((tmp_path / name).rglob("*.safetensors")).read_bytes() for name in ("once", "twice")]
    assert weights[0] != weights[1]
