from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.calibration import Calibration
from models.card import write_card
from models.metrics import measure
from models.networks.spec import NetworkSpec
from models.package import ModelPackage
from tests.packages import make_package

PROVENANCE: dict[str, Any] = {
    "command": "sievert train a.npz --out b",
    "settings": {"epochs": 3, "seed": 7, "keep": "best"},
    "parameters": 12345,
    "epoch": 2,
    "trained_on": 90,
    "left_out": 10,
}


def _card(package: ModelPackage, **changes: object) -> str:
    classes = len(package.metadata.labels)
    truth = np.arange(60) % classes
    raised = np.exp(np.random.default_rng(0).normal(size=(60, classes)) + np.eye(classes)[truth])
    probabilities = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    rule = Calibration(temperature=1, threshold=0.5, min_confidence=0.6)
    measured = {"data": "a.npz", **measure(probabilities, truth, rule, positive=package.metadata.positive_index)}
    return write_card(package.metadata, package.recipe, rule, {"test": measured}, {**PROVENANCE, **changes})


def test_card_of_more_classes_tells_each(tmp_path: Path) -> None:
    card = _card(make_package(tmp_path / "a", np.eye(3, 1, dtype=np.float32), shape=(4, 4)))
    for label in ("class 0", "class 1", "class 2"):
        assert f"| {label} | test | 20 |" in card
    assert "class 2 against all others" in card


def test_card_of_two_classes_has_no_table_of_classes(tmp_path: Path) -> None:
    card = _card(make_package(tmp_path / "a", np.eye(2, 1, dtype=np.float32), shape=(4, 4)))
    assert "| class |" not in card
    assert "| test: a.npz | 60 | 30 |" in card


@pytest.mark.parametrize("shape", [(16, 16), (8, 16, 16)])
def test_card_names_the_network_what_it_reads_and_how_it_was_chosen(tmp_path: Path, shape: tuple[int, ...]) -> None:
    spec = NetworkSpec(arch="hybrid", shape=shape, options={"heads": 2})
    card = _card(make_package(tmp_path / "a", np.eye(2, 1, dtype=np.float32), shape=shape, network=spec))
    assert f"Network: hybrid, reading 1 x {' x '.join(map(str, shape))}, with heads 2." in card
    assert "3 epochs, of which epoch 2 was kept, because its loss on the validation split is lowest" in card
    assert "Left out of training: 10 of 100 images" in card


def test_card_does_not_claim_a_choice_that_was_not_made(tmp_path: Path) -> None:
    package = make_package(tmp_path / "a", np.eye(2, 1, dtype=np.float32), shape=(4, 4), head_tensor=None)
    card = _card(package, settings={"epochs": 3, "seed": 7, "keep": "last", "threads": 1})
    assert "because" not in card.partition("## How it was made")[2]
    assert "no Grad-CAM map" in card
