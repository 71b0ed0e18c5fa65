"""After a resampling, pixels lie as far apart as it says; an image that does not say how far they lay is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipe import Fit, Recipe, Resample, Rescale, standard_recipe
from pipelines.preprocess.resampling import refuse_spacing
from pipelines.preprocess.steps import apply_recipe, prepare_channels, trace_recipe
from sievert.errors import DataError
from sievert.records import Reason

TO_HALF = Recipe(steps=(Resample(spacing_mm=(0.5, 0.5)),))


def disc(radius_mm: float, spacing_mm: tuple[float, float], side_mm: float = 40) -> np.ndarray:
    """A bright disc in the middle of a square of that many mm."""
    rows, columns = (np.arange(round(side_mm / mm)) * mm + mm / 2 - side_mm / 2 for mm in spacing_mm)
    inside = rows[:, np.newaxis] ** 2 + columns**2 < radius_mm**2
    return np.where(inside, 200, 10).astype(np.uint8)


@pytest.mark.parametrize("own", [(0.25, 0.25), (0.1, 0.4), (1.0, 0.8)])
def test_a_disc_has_its_size_in_mm_whatever_the_scanner(own: tuple[float, float]) -> None:
    made = apply_recipe(disc(10, own), TO_HALF, spacing_mm=own)[0]
    assert made.shape == (80, 80)
    inside = made > 105
    assert abs(inside.sum() * 0.25 / (np.pi * 100) - 1) < 0.05
    assert abs(int(inside.any(axis=0).sum()) - int(inside.any(axis=1).sum())) <= 2


def test_a_volume_is_brought_to_its_distances_too_and_floats_are_not_rounded() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 5, dtype=np.float32)[:, np.newaxis, np.newaxis], (5, 8, 8))
    recipe = Recipe(steps=(Resample(spacing_mm=(1, 2, 4)), Rescale(low=0, high=100), Fit(slices=9, rows=4, columns=2)))
    steps = dict(trace_recipe(ramp, recipe, spacing_mm=(2, 1, 1)))
    made = steps["resample"]
    assert made.shape == (10, 4, 2)
    assert len(np.unique(made)) > 5
    assert (np.diff(made[:, 0, 0]) >= 0).all()
    with pytest.raises(DataError, match="dimensions"):
        apply_recipe(ramp[0], recipe, spacing_mm=(2, 1, 1))


def test_an_image_that_lies_so_already_is_left_alone() -> None:
    picture = disc(10, (0.5, 0.5))
    steps = dict(trace_recipe(picture, TO_HALF, spacing_mm=(0.5, 0.5)))
    assert steps["resample"] is steps["admitted"]


def test_without_a_distance_nothing_is_guessed() -> None:
    picture = disc(10, (0.5, 0.5))
    for spacing in (None, (1.0, 1.0, 1.0)):
        refusal = refuse_spacing(TO_HALF, picture.shape, spacing)
        assert refusal is not None
        assert refusal.reason is Reason.COMPLIANCE_NO_SPACING
        with pytest.raises(DataError, match="how far apart"):
            apply_recipe(picture, TO_HALF, spacing_mm=spacing)
        with pytest.raises(DataError, match="how far apart"):
            prepare_channels(picture[np.newaxis], TO_HALF, spacing_mm=spacing)
    assert refuse_spacing(standard_recipe(rows=8, columns=8), picture.shape, None) is None


@pytest.mark.parametrize("own", [(1e6, 1e6), (1e-6, 1e-6), (400.0, 0.001)])
def test_a_distance_that_would_fill_the_memory_or_leave_nothing_is_refused(own: tuple[float, float]) -> None:
    assert refuse_spacing(TO_HALF, (512, 512), own) is not None


@given(st.tuples(st.floats(0.05, 5), st.floats(0.05, 5)), st.tuples(st.integers(20, 90), st.integers(20, 90)))
def test_what_is_not_refused_comes_out_as_large_as_it_must(own: tuple[float, float], shape: tuple[int, int]) -> None:
    picture = np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape)
    if refuse_spacing(TO_HALF, shape, own) is None:
        made = apply_recipe(picture, TO_HALF, spacing_mm=own)
        assert made.shape[1:] == tuple(max(1, round(side * mm / 0.5)) for side, mm in zip(shape, own, strict=True))


@pytest.mark.parametrize(("own", "wanted"), [((9, 5), (6, 8)), ((3, 4), (6, 8)), ((6, 8), (6, 8)), ((3, 20), (6, 8))])
def test_fit_keeps_the_middle_and_lays_dark_around(own: tuple[int, int], wanted: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(5, 99, own).astype(np.uint8)
    made = apply_recipe(picture, Recipe(steps=(Fit(rows=wanted[0], columns=wanted[1]),)))[0]
    assert made.shape == wanted
    top, left = (int((to - side) / 2) for side, to in zip(own, wanted, strict=True))
    for row in range(wanted[0]):
        for column in range(wanted[1]):
            there = (0 <= row - top < own[0]) and (0 <= column - left < own[1])
            assert made[row, column] == (picture[row - top, column - left] if there else picture.min())
