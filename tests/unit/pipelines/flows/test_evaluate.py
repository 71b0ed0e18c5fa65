from __future__ import annotations

import json
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from models.package import ModelPackage, load_package
from pipelines.flows.evaluate import evaluate, examine, run_labelled
from sievert.errors import LabelError, ModelError
from tests.packages import make_package

SKEWED = np.array([[0.0], [-9.0]], np.float32)
"""Class 1 where little of a picture is bright: its mean above 0 is small."""


def _need(folder: Path, name: str) -> Path:
    if not (folder / name).exists():
        pytest.skip(f"needs {name} in SIEVERT_DATA or ../shared/data")
    return folder / name


def _picture(draw: np.random.Generator, *, positive: bool) -> NDArray[np.uint8]:
    """Half bright, or a few bright pixels; a tenth of either looks like the other."""
    share = 0.06 if positive != (draw.random() < 0.1) else 0.5
    return (draw.random((12, 12)) < share).astype(np.uint8) * 200 + draw.integers(0, 20, (12, 12), dtype=np.uint8)


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    return make_package(tmp_path / "model", SKEWED, shape=(12, 12), labels=("normal", "pneumonia"))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    draw, lines = np.random.default_rng(0), ["source,label,split,sex,age"]
    (tmp_path / "files").mkdir()
    for number in range(60):
        label = ("normal", "pneumonia")[number % 2]
        cv2.imwrite(str(tmp_path / "files" / f"{number}.png"), _picture(draw, positive=number % 2 == 1))
        split = "test" if number < 40 else "val" if number < 50 else "train"
        lines.append(f"files/{number}.png,{label},{split},{'FM'[number // 2 % 2]},{20 + number}")
    (tmp_path / "set.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "set.csv"


@pytest.mark.parametrize(
    ("part", "name", "split"),
    [
        ("test", "medmnist/pneumoniamnist.npz", "test"),
        ("validation", "medmnist/pneumoniamnist.npz", "val"),
        ("external", "cxr_nih", None),
    ],
)
def test_shipped_card_tells_what_evaluation_finds(shared_data: Path, part: str, name: str, split: str | None) -> None:
    package = load_package("default")
    told = json.loads(package.metrics_file.read_bytes()).get(part)
    if told is None:
        pytest.skip(f"the shipped package was not measured on a set called {part}")
    found = evaluate(package, _need(shared_data, name), split=split)
    for figure in ("images", "positives", "auroc", "auroc_low", "accuracy", "accuracy_high", "brier", "decided"):
        assert found[figure] == pytest.approx(told[figure], abs=5e-3), figure
    row = next(line for line in package.card_file.read_text("utf-8").splitlines() if line.startswith(f"| {part}:"))
    assert f"| {told['auroc']:.3f} (" in row
    assert f"| {told['accuracy']:.3f} (" in row


def test_shipped_model_beats_the_published_networks_on_the_test_split(shared_data: Path) -> None:
    found = evaluate(load_package("default"), _need(shared_data, "medmnist/pneumoniamnist.npz"))
    assert found["split"] == "test"
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
    assert truth.tolist() == [index % 2 for index in range(9)]


def test_manifest_is_measured_on_its_test_split_or_the_one_asked_for(package: ModelPackage, manifest: Path) -> None:
    found = evaluate(package, manifest)
    assert (found["images"], found["split"], found["data"]) == (40, "test", "set.csv")
    assert found["auroc"] > 0.8
    validation = evaluate(package, manifest, split="val")
    assert (validation["images"], validation["split"]) == (10, "validation")
    with pytest.raises(LabelError, match="'middle'"):
        evaluate(package, manifest, split="middle")


def test_folder_without_splits_is_measured_whole(package: ModelPackage, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    for number in range(20):
        folder = tmp_path / "outside" / ("no_finding", "pneumonia")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{number}.png"), _picture(draw, positive=number % 2 == 1))
    found = evaluate(package, tmp_path / "outside")
    assert (found["images"], found["positives"], found["split"]) == (20, 10, None)
    assert found["auroc"] > 0.7  # every folder but the positive one counts as negative


def test_folder_of_one_class_cannot_be_measured_with(tmp_path: Path) -> None:
    (tmp_path / "pneumonia").mkdir()
    picture = np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "pneumonia" / "a.png"), picture)
    with pytest.raises(LabelError):
        evaluate(load_package("default"), tmp_path)


def test_subgroups_are_those_of_the_manifest(package: ModelPackage, manifest: Path) -> None:
    found = evaluate(package, manifest, by=("sex", "age"))
    assert [(row["group"], row["images"]) for row in found["subgroups"]["sex"]] == [("F", 20), ("M", 20)]
    assert [row["images"] for row in found["subgroups"]["age"]] == [10, 10, 10, 10]
    with pytest.raises(LabelError, match="'ward'") as caught:
        evaluate(package, manifest, by=("ward",))
    assert "age, sex" in caught.value.remedy


def test_two_packages_are_compared_on_the_same_images(package: ModelPackage, manifest: Path, tmp_path: Path) -> None:
    worse = make_package(tmp_path / "worse", -SKEWED, shape=(6, 6), labels=("normal", "pneumonia"), name="worse")
    found = examine(package, manifest, against=worse)
    comparison = found.answer["comparison"]
    assert (comparison["against"], comparison["digest"]) == ("worse", worse.digest)
    assert comparison["auroc"]["difference"] > 0
    assert comparison["auroc"]["first"] == pytest.approx(found.answer["auroc"])
    assert comparison["delong"]["p"] < 0.01
    assert found.rival is not None
    assert json.dumps(found.answer, allow_nan=False)


def test_packages_of_other_classes_are_not_compared(package: ModelPackage, manifest: Path, tmp_path: Path) -> None:
    other = make_package(tmp_path / "other", SKEWED, shape=(12, 12), labels=("benign", "malignant"))
    with pytest.raises(ModelError, match="same classes"):
        evaluate(package, manifest, against=other)


def test_more_than_two_classes_are_measured(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    weights = np.array([[2.0], [0.0], [-2.0]], np.float32)
    package = make_package(tmp_path / "model", weights, shape=(12, 12))
    images = draw.integers(0, 256, (30, 12, 12), dtype=np.uint8)
    np.savez(tmp_path / "three.npz", test_images=images, test_labels=np.arange(30) % 3)
    found = evaluate(package, tmp_path / "three.npz")
    assert np.array(found["confusion_matrix"]).sum(axis=1).tolist() == [10, 10, 10]
    assert len(found["per_class"]) == 3
    assert found["positives"] == 10


def test_volumes_are_measured(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    package = make_package(tmp_path / "model", SKEWED, shape=(4, 8, 8), labels=("no", "yes"))
    for number in range(12):
        folder = tmp_path / "volumes" / ("no", "yes")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        volume = (draw.random((10, 10, 6)) < (0.5, 0.06)[number % 2]).astype(np.float32) * 100
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / f"{number}.nii")
    found = evaluate(package, tmp_path / "volumes")
    assert (found["images"], found["positives"]) == (12, 6)
    assert found["auroc"] > 0.9
