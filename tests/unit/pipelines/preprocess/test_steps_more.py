"""Each step does what it is for, keeps type and size where it should, and reads volumes where it can."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from models.recipe import (
    N4,
    Crop,
    CurvatureFlow,
    Gamma,
    Landmarks,
    NonLocalMeans,
    Pad,
    Recipe,
    Rescale,
    Resize,
    Step,
    Wavelet,
    Window,
    ZScore,
)
from pipelines.preprocess.contrast import learn_landmarks
from pipelines.preprocess.steps import apply_recipe, trace_recipe
from sievert.errors import DataError

DENOISERS = (NonLocalMeans(strength=12), CurvatureFlow(iterations=6, time_step=0.125), Wavelet())


def after(step: Step, pixels: NDArray[Any]) -> NDArray[Any]:
    """What one step makes."""
    return list(trace_recipe(pixels, Recipe(steps=(step,))))[-1][1]


def edge(depth: type, *, noise: float) -> NDArray[Any]:
    """Dark left, bright right, with noise as a share of the range."""
    top = np.iinfo(depth).max
    clean = np.where(np.arange(96) < 48, 0.3, 0.7) + np.random.default_rng(0).normal(0, noise, (96, 96))
    return np.asarray((clean.clip(0, 1) * top).astype(depth))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("step", DENOISERS, ids=lambda step: step.step)
def test_noise_goes_and_edges_stay(step: Step, depth: type) -> None:
    noisy, top = edge(depth, noise=0.04), np.iinfo(depth).max
    done = after(step, noisy)
    assert (done.dtype, done.shape) == (noisy.dtype, noisy.shape)
    flat = (slice(8, -8), slice(8, 40))
    assert done[flat].std() < 0.7 * noisy[flat].std()
    left, right = done[:, 36:44].mean() / top, done[:, 52:60].mean() / top
    assert right - left > 0.36


@pytest.mark.parametrize(
    "step", [CurvatureFlow(), Wavelet(), N4(shrink=2, iterations=(4,))], ids=lambda step: step.step
)
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_volumes_are_read_too_before_a_rescale_as_they_are(step: Step, kind: type) -> None:
    volume: NDArray[Any] = (np.random.default_rng(0).random((9, 24, 20)) * 900 + 50).astype(kind)
    recipe = Recipe(steps=(step, Rescale(), Resize(slices=4, rows=8, columns=8), ZScore()))
    assert apply_recipe(volume, recipe).shape == (1, 4, 8, 8)


def test_a_step_of_pictures_is_none_of_volumes() -> None:
    with pytest.raises(ValidationError, match="pictures"):
        Recipe(steps=(NonLocalMeans(), Resize(slices=4, rows=8, columns=8)))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_gamma_bends_the_middle_and_keeps_the_ends(depth: type) -> None:
    top = np.iinfo(depth).max
    done = after(Gamma(exponent=2), np.array([[0, top // 2, top]], depth))
    assert done.tolist() == [[0, round((top // 2 / top) ** 2 * top), top]]


def test_a_window_is_the_readers_own() -> None:
    hounsfield = np.array([[-1000.0, -160, 40, 240, 3000]], np.float32)
    assert after(Window(center=40, width=400), hounsfield).tolist() == [[0, 0, 128, 255, 255]]
    with pytest.raises(ValidationError, match="first"):
        Recipe(steps=(Pad(), Window(center=40, width=400)))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 5), st.floats(-500, 500))
def test_landmarks_bring_scanners_to_one_scale(slope: float, offset: float) -> None:
    """A picture whose scale was changed linearly comes out as the picture itself."""
    picture = np.random.default_rng(3).gamma(2, 60, (64, 64)).astype(np.float32)
    step = learn_landmarks([picture], percentiles=(1, 25, 50, 75, 99))
    first, other = (after(step, one) for one in (picture, picture * np.float32(slope) + np.float32(offset)))
    assert np.abs(first.astype(int) - other.astype(int)).max() <= 1


def test_landmarks_that_do_not_rise_are_refused() -> None:
    for percentiles, levels in (((0, 50), (0,)), ((50, 0), (0, 255)), ((0, 100), (0, 256)), ((0, 100), (9, 9))):
        with pytest.raises(ValidationError):
            Landmarks(percentiles=percentiles, levels=levels)
    with pytest.raises(DataError, match="too few"):
        learn_landmarks([np.zeros((4, 4))], percentiles=(0, 100))


def test_n4_takes_a_slow_field_away() -> None:
    places = np.linspace(-1, 1, 96)
    disc = np.add.outer(places**2, places**2) < 0.7
    field = np.exp(0.5 * np.add.outer(places, places))
    picture = np.where(disc, 20_000 * field, 300).astype(np.uint16)
    done = after(N4(shrink=2), picture).astype(float)
    inner = np.add.outer(places**2, places**2) < 0.5
    before, now = (values[inner].std() / values[inner].mean() for values in (picture.astype(float), done))
    assert now < before / 4


def test_a_crop_is_the_largest_bright_part_with_its_margin() -> None:
    picture = np.full((100, 120), 3, np.uint16)
    picture[20:70, 30:90], picture[2:4, 2:4] = 900, 1000
    assert after(Crop(margin=0), picture).shape == (50, 60)
    assert after(Crop(margin=0.1), picture).shape == (60, 72)
    small = np.full((100, 120), 3, np.uint16)
    small[2:4, 2:4] = 1000
    assert after(Crop(), small).shape == (100, 120)
    assert after(Crop(), np.full((9, 9), 5, np.uint8)).shape == (9, 9)
    assert after(Crop(margin=0), np.stack([picture * 0, picture, picture])).shape == (2, 50, 60)


def test_a_pad_makes_a_square_of_darkness_around_it() -> None:
    picture = np.full((3, 6), 9, np.uint8)
    picture[1, 1] = 4
    done = after(Pad(), picture)
    assert done.shape == (6, 6)
    assert np.array_equal(done[1:4], picture)
    assert (done[[0, 4, 5]] == 4).all()


def test_a_circle_stays_round_where_a_pad_goes_before_the_resize() -> None:
    picture = np.zeros((60, 120), np.uint8)
    cv2.circle(picture, (60, 30), 20, 255, -1)
    done = list(trace_recipe(picture, Recipe(steps=(Pad(), Resize(rows=60, columns=60)))))[-1][1]
    rows, columns = (np.flatnonzero(done.max(axis) > 128) for axis in (1, 0))
    assert abs(len(rows) - len(columns)) <= 1
