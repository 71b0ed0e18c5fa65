"""The pictures: dense where a chest is dense, denser where a lung is filled, stored without loss."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import JPEG2000Lossless, RLELossless

from pipelines.cohort.simulated.anatomy import left_lung, lying, right_lung, sample_chest
from pipelines.cohort.simulated.canvas import Canvas, smooth_outline
from pipelines.cohort.simulated.encodings import Storage, attach_pixels, to_bytes
from pipelines.cohort.simulated.opacity import Pattern, draw_opacity
from pipelines.cohort.simulated.patients import draw_patient
from pipelines.cohort.simulated.people import plan_visits
from pipelines.cohort.simulated.radiograph import draw_radiograph

CANVAS = Canvas(256, 240)
LUNGS = (slice(96, 170), np.r_[50:85, 165:195])
"""Well inside both lungs, whatever the patient and the pose."""
MIDLINE = (slice(96, 170), slice(114, 126))
LIVER = (slice(220, 250), slice(60, 110))


def draw(seed: int, pattern: Pattern | None = None, *, bedside: bool = False) -> np.ndarray:
    chest = sample_chest(np.random.default_rng([seed, 1]))
    return draw_radiograph(CANVAS, chest, np.random.default_rng([seed, 2]), pattern=pattern, bedside=bedside)


def radiolucency(picture: np.ndarray) -> float:
    """How much darker the lungs are than what no pneumonia changes, relative to it."""
    solid = (picture[MIDLINE].mean() + picture[LIVER].mean()) / 2
    return float(1 - picture[LUNGS].mean() / solid)


@pytest.mark.parametrize("seed", range(6))
def test_healthy_lungs_are_dark_between_bright_spine_and_liver(seed: int) -> None:
    assert radiolucency(draw(seed)) > 0.5


@pytest.mark.parametrize("pattern", Pattern)
@pytest.mark.parametrize("seed", range(4))
def test_a_pneumonia_makes_the_same_lungs_denser(seed: int, pattern: Pattern) -> None:
    assert radiolucency(draw(seed, pattern)) < radiolucency(draw(seed)) - 0.05


def test_a_pneumonia_leaves_the_pose_alone() -> None:
    chest = sample_chest(np.random.default_rng([1, 1]))
    moved = draw_radiograph(CANVAS, chest, np.random.default_rng(9), pattern=None, bedside=False)
    neck = (slice(0, 30), slice(0, 240))
    alike, unlike = (
        np.corrcoef(draw(1)[neck].ravel(), other[neck].ravel())[0, 1] for other in (draw(1, Pattern.LOBAR), moved)
    )
    assert alike > 0.97 > unlike


def test_lobar_pneumonia_takes_one_lung_only() -> None:
    change = draw(2, Pattern.LOBAR).astype(float) - draw(2)
    left, right = change[96:170, 50:85].max(), change[96:170, 165:195].max()
    assert max(left, right) > 1.5 * min(left, right)


def test_two_visits_of_a_patient_show_one_chest_and_two_pictures() -> None:
    first, second, stranger = (
        draw_patient(visit, CANVAS, sick=False, bedside=False).astype(float) for visit in plan_visits(3, seed=0)
    )
    assert not np.array_equal(first, second)
    alike, unlike = (np.corrcoef(first.ravel(), other.ravel())[0, 1] for other in (second, stranger))
    assert alike > 0.9
    assert unlike < 0.999


def test_a_lying_patient_has_a_higher_diaphragm_and_a_wider_heart() -> None:
    chest = sample_chest(np.random.default_rng(0))
    assert right_lung(lying(chest))[:, 1].max() < right_lung(chest)[:, 1].max()
    beside = (left_lung(chest)[:, 1] > 0.55) & (left_lung(chest)[:, 1] < 0.65)
    assert left_lung(lying(chest))[beside, 0].min() > left_lung(chest)[beside, 0].min()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), pattern=st.sampled_from(list(Pattern)))
def test_fluid_never_takes_more_room_than_the_air_had(seed: int, pattern: Pattern) -> None:
    filled = draw_opacity(Canvas(96, 90), np.random.default_rng(seed), pattern=pattern)
    assert filled.shape == (96, 90)
    assert filled.dtype == np.float32
    assert 0 <= filled.min() < filled.max() <= 0.95


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_patients_lungs_leave_the_picture_or_cross_the_midline(seed: int) -> None:
    chest = sample_chest(np.random.default_rng(seed))
    assert 0 < right_lung(chest)[:, 0].min() < right_lung(chest)[:, 0].max() < 0.5
    assert 0.5 < left_lung(chest)[:, 0].min() < left_lung(chest)[:, 0].max() < 1


def test_smoothing_an_outline_stays_inside_its_corners() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    smooth = smooth_outline(square)
    assert smooth.shape == (32, 2)
    assert smooth.min() >= 0
    assert smooth.max() <= 1
    assert np.abs(smooth[:, None] - square).sum(axis=2).min() > 0.2


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_come_back_exactly(syntax: pydicom.uid.UID, *, inverted: bool) -> None:
    pixels = draw(3)
    storage = Storage(syntax=syntax, inverted=inverted)
    read = stored(pixels, storage)
    assert read.PhotometricInterpretation == ("MONOCHROME1" if inverted else "MONOCHROME2")
    assert np.array_equal(4095 - read.pixel_array if inverted else read.pixel_array, pixels)


def test_a_window_is_given_in_rescaled_units_and_holds_the_picture() -> None:
    read = stored(draw(4), Storage(rescale=(2.0, -512.0), windowed=True))
    values = apply_modality_lut(read.pixel_array, read)
    low, high = (read.WindowCenter + sign * read.WindowWidth / 2 for sign in (-1, 1))
    assert 0.95 < ((values >= low) & (values <= high)).mean() < 1


def stored(pixels: np.ndarray, storage: Storage) -> pydicom.FileDataset:
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = pydicom.uid.DigitalXRayImageStorageForPresentation, "2.25.1"
    attach_pixels(header, pixels, storage=storage)
    return pydicom.dcmread(io.BytesIO(to_bytes(header, syntax=storage.syntax)))
