from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.package import load_package
from pipelines.flows.evaluate import evaluate, run_labelled
from sievert.errors import LabelError

ROOT = Path(__file__).parents[4]
DATA = Path(os.environ.get("SIEVERT_DATA") or ROOT.parent / "shared" / "data")


def _need(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"needs {name} in SIEVERT_DATA or ../shared/data")
    return DATA / name


@pytest.mark.parametrize(
    ("part", "name", "split"),
    [
        ("test", "medmnist/pneumoniamnist.npz", "test"),
        ("validation", "medmnist/pneumoniamnist.npz", "val"),
        ("external", "cxr_nih", "test"),
    ],
)
def test_shipped_card_tells_what_evaluation_finds(part: str, name: str, split: str) -> None:
    package = load_package("default")
    told = json.loads(package.metrics_file.read_bytes())[part]
    found = evaluate(package, _need(name), split=split)
    for figure in ("images", "positives", "auroc", "auroc_low", "accuracy", "accuracy_high", "brier", "decided"):
        assert found[figure] == pytest.approx(told[figure], abs=2e-3)
    row = next(line for line in package.card_file.read_text("utf-8").splitlines() if line.startswith(f"| {part}:"))
    assert f"| {told['auroc']:.3f} (" in row
    assert f"| {told['accuracy']:.3f} (" in row


def test_shipped_model_beats_the_published_networks_on_the_test_split() -> None:
    found = evaluate(load_package("default"), _need("medmnist/pneumoniamnist.npz"))
    assert found["auroc"] > 0.962  # ResNet-50 at 224 x 224, MedMNIST v2 benchmark
    assert found["accuracy"] > 0.884


def test_batch_size_does_not_change_what_is_measured(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    file = tmp_path / "data.npz"
    np.savez(
        file, test_images=draw.integers(0, 256, (9, 28, 28), dtype=np.uint8), test_labels=np.arange(9)[:, None] % 2
    )
    package = load_package("default")
    (one, truth), (other, _) = (run_labelled(package, file, split="test", batch_size=size) for size in (2, 64))
    assert one == pytest.approx(other, abs=1e-4)
    assert truth.tolist() == [bool(index % 2) for index in range(9)]


def test_folder_of_one_class_cannot_be_measured_with(tmp_path: Path) -> None:
    (tmp_path / "pneumonia").mkdir()
    picture = np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "pneumonia" / "a.png"), picture)
    with pytest.raises(LabelError):
        evaluate(load_package("default"), tmp_path)
