"""A recipe that reads Hounsfield units and distances in mm gets them in screening, in evaluation, in training and by
hand; an image that has none is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.package import ModelPackage
from models.predictor import Predictor
from models.recipe import Crop, Fit, Recipe, Resample, Resize, Window, ZScore
from pipelines.labelled.iterating import iterate_labelled
from pipelines.labelled.reading import read_labelled_data
from pipelines.labelled.unlabelled import read_unlabelled
from pipelines.preprocess.steps import apply_recipe, prepare_channels
from pipelines.results.cases import most_urgent
from pipelines.results.explanation import read_explanation
from pipelines.results.opening import open_records
from sievert.cli.main import run
from sievert.errors import LabelError
from sievert.records import Outcome, Reason
from tests.dicoms import chest, encoded, ramp
from tests.jobs import finish_job
from tests.packages import make_package

CT = {"Modality": "CT", "RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 2000, "WindowWidth": 10}
RECIPE = Recipe(steps=(Window(center=40, width=400), Resample(spacing_mm=(1, 1)), Fit(rows=24, columns=24), ZScore()))
HEAD = np.array([[0.0], [1.0]], np.float32)


def stored(number: int) -> np.ndarray:
    """A ramp for the first, so that another window shows next to nothing of it; no two alike."""
    return np.random.default_rng(number).integers(0, 1024, (96, 96), dtype=np.uint16) if number else ramp()


def slice_(number: int, **changes: object) -> bytes:
    return encoded(chest(**{**CT, "PixelSpacing": [0.5, 0.25], "PixelData": stored(number).tobytes(), **changes}))


def hounsfield(number: int) -> np.ndarray:
    return (stored(number) * 2.0 - 1024).astype(np.float32)


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    return make_package(tmp_path / "model", HEAD, shape=(24, 24), recipe=RECIPE, modalities=("CT",))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    for number in range(60):
        file = tmp_path / "set" / "ab"[number % 2] / f"{number}.dcm"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(slice_(number, PatientID=str(number)))
    return tmp_path / "set"


def test_screening_reads_what_evaluation_reads_and_refuses_what_has_no_units_or_distance(
    tmp_path: Path, package: ModelPackage
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "0.dcm").write_bytes(slice_(0))
    (folder / "1.dcm").write_bytes(encoded(chest(**CT)))
    (folder / "2.dcm").write_bytes(slice_(0, RescaleType="US"))
    cv2.imwrite(str(folder / "3.png"), ramp().astype(np.uint8))
    job = finish_job([str(folder)], tmp_path, package=package)
    (record,) = open_records(job.out, job.keys)
    (prediction,) = Predictor(package)(apply_recipe(hounsfield(0), RECIPE, spacing_mm=(0.5, 0.25))[np.newaxis])
    assert record["probabilities"]["class 1"] == pytest.approx(float(prediction.probabilities[1]), abs=1e-5)
    rows = open_records(job.out, job.keys, outcome=Outcome.QUARANTINED)
    refused = {Path(one["source"]).name: one["reason"] for one in rows}
    units, spacing = Reason.COMPLIANCE_NO_UNITS.value, Reason.COMPLIANCE_NO_SPACING.value
    assert refused == {"1.dcm": spacing, "2.dcm": units, "3.png": units}
    (case,) = most_urgent(job.out, job.keys, 1)
    assert case.image is not None
    assert set(np.unique(case.image)) >= {0, 255}  # as a reader sees it through the header's own window
    assert (case.image == 0).mean() > 0.9


def test_evaluation_and_training_read_the_same(labelled: Path) -> None:
    images = [image for image, _, _ in iterate_labelled(labelled, split=None, recipe=RECIPE, labels=("a", "b"))]
    assert len(images) == 60
    expected = apply_recipe(hounsfield(0), RECIPE, spacing_mm=(0.5, 0.25))
    assert any(np.array_equal(image, expected) for image in images)
    data = read_labelled_data(labelled, recipe=RECIPE)
    ready = prepare_channels(hounsfield(0)[np.newaxis], RECIPE, spacing_mm=(0.5, 0.25))
    every = np.concatenate([data.train.images, data.validation.images, data.test.images])
    assert any(np.array_equal(image, ready) for image in every)
    assert any(np.array_equal(image, ready) for image in read_unlabelled(labelled, recipe=RECIPE))


def test_labelled_pictures_without_units_or_distance_are_an_error(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "ab"[number % 2] / f"{number}.png"), ramp().astype(np.uint8) + number)
    size = Resize(rows=8, columns=8)
    for step, told in ((Window(center=1, width=2), "units"), (Resample(spacing_mm=(1, 1)), "distance in mm")):
        with pytest.raises(LabelError, match=told):
            read_labelled_data(tmp_path, recipe=Recipe(steps=(step, size)))


def test_arrays_without_units_or_distance_are_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", train_images=np.zeros((2, 6, 5), np.uint8), train_labels=np.arange(2))
    size = Resize(rows=8, columns=8)
    for step, told in ((Window(center=1, width=2), "units"), (Resample(spacing_mm=(1, 1)), "distance in mm")):
        with pytest.raises(LabelError, match=told):
            read_unlabelled(tmp_path / "s.npz", recipe=Recipe(steps=(step, size)))


def test_a_recipe_is_tried_with_the_files_own_units_and_distance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0.dcm").write_bytes(slice_(0))
    (tmp_path / "1.dcm").write_bytes(encoded(chest(**CT)))
    (tmp_path / "r.json").write_text(RECIPE.model_dump_json())
    asked = ["--recipe", str(tmp_path / "r.json"), "--size", "24"]
    assert run(["recipe", "try", str(tmp_path / "0.dcm"), *asked]) == 0
    told = capsys.readouterr().out
    assert "48 x 24" in told
    assert "-1024" in told
    assert run(["recipe", "try", str(tmp_path / "1.dcm"), *asked]) != 0
    assert "distance in mm" in capsys.readouterr().err


def test_heat_of_a_cropped_picture_lies_in_the_picture(tmp_path: Path) -> None:
    recipe = Recipe(steps=(Crop(margin=0), Resize(rows=16, columns=16), ZScore()))
    package = make_package(tmp_path / "model", HEAD, shape=(16, 16), recipe=recipe)
    picture = np.zeros((128, 128), np.uint8)
    picture[64:112, 16:64] = 120
    picture[100:112, 52:64] = 255  # what is bright makes the positive class, here in a corner of the body
    cv2.imwrite(str(tmp_path / "0.png"), picture)
    job = finish_job([str(tmp_path / "0.png")], tmp_path, package=package)
    (record,) = open_records(job.out, job.keys)
    heat = read_explanation(record["explanation"])
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    assert (row + 0.5) / heat.shape[0] == pytest.approx(106 / 128, abs=0.06)
    assert (column + 0.5) / heat.shape[1] == pytest.approx(58 / 128, abs=0.06)
