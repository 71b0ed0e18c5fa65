from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.recipe import Clahe, Median, Recipe, Resize, ZScore, standard_recipe
from pipelines.preprocess.steps import apply_recipe
from sievert.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECIPE = standard_recipe(rows=28, columns=28)


def _picture(rows: int = 300, columns: int = 260, *, seed: int = 0) -> NDArray[np.uint8]:
    """A coarse picture with noise, and a black and a white patch that the median leaves: the full 8-bit range."""
    draw = np.random.default_rng(seed)
    coarse = cv2.resize(draw.random((9, 8)), (columns, rows), interpolation=cv2.INTER_CUBIC)
    noisy = coarse + draw.normal(0, 0.05, coarse.shape)
    noisy[:5, :5], noisy[-5:, -5:] = noisy.min(), noisy.max()
    return np.asarray(cv2.normalize(noisy, None, 0, 255, cv2.NORM_MINMAX, dtype=cv2.CV_8U))


@pytest.mark.parametrize("shape", [(300, 260), (129, 1000), (128, 128)])
def test_equals_the_same_steps_by_hand_bit_by_bit(shape: tuple[int, int]) -> None:
    picture = _picture(*shape)
    by_hand = cv2.createCLAHE(2.0, (8, 8)).apply(cv2.medianBlur(picture, 3))
    by_hand = cv2.resize(by_hand, (28, 28), interpolation=cv2.INTER_AREA).astype(np.float32)
    expected = (by_hand - by_hand.mean()) / (by_hand.std() + 1e-6)
    found = apply_recipe(picture, RECIPE)
    assert found.dtype == np.float32
    assert found.shape == (1, 28, 28)
    assert np.array_equal(found[0], expected)


@pytest.mark.parametrize("factor", [4, 16, 257])
def test_more_stored_bits_do_not_change_what_the_network_sees(factor: int) -> None:
    picture = _picture()
    deeper = picture.astype(np.uint16) * np.uint16(factor)
    assert apply_recipe(deeper, RECIPE) == pytest.approx(apply_recipe(picture, RECIPE), abs=0.02)


def test_twelve_bits_somewhere_in_the_range_look_like_eight() -> None:
    picture = _picture()
    shifted = picture.astype(np.uint16) * np.uint16(9) + np.uint16(1000)
    assert apply_recipe(shifted, RECIPE) == pytest.approx(apply_recipe(picture, RECIPE), abs=0.02)


def test_byte_order_and_strides_do_not_matter() -> None:
    picture = _picture().astype(np.uint16) * np.uint16(16)
    expected = apply_recipe(picture, RECIPE)
    assert np.array_equal(apply_recipe(picture.astype(">u2"), RECIPE), expected)
    assert np.array_equal(apply_recipe(np.asfortranarray(picture), RECIPE), expected)


@pytest.mark.parametrize("thumbnail", [_picture(28, 28), _picture(28, 28).astype(np.uint16) * np.uint16(16)])
def test_thumbnail_is_only_normalised(thumbnail: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    values = thumbnail.astype(np.float32)
    expected = (values - values.mean()) / (values.std() + 1e-6)
    assert np.array_equal(apply_recipe(thumbnail, RECIPE)[0], expected)


def test_sides_decide_which_steps_a_small_picture_skips() -> None:
    picture = _picture(100, 200)
    without_clahe = Recipe(steps=(Median(), Resize(rows=28, columns=28), ZScore()))
    assert np.array_equal(apply_recipe(picture, RECIPE), apply_recipe(picture, without_clahe))
    forced = Recipe(steps=(Median(), Clahe(min_side_px=1), Resize(rows=28, columns=28), ZScore()))
    assert not np.array_equal(apply_recipe(picture, RECIPE), apply_recipe(picture, forced))


@pytest.mark.parametrize("shape", [(20, 20), (20, 60)])
def test_pictures_with_a_side_below_the_networks_are_enlarged_linearly(shape: tuple[int, int]) -> None:
    picture = _picture(*shape)
    found = apply_recipe(picture, Recipe(steps=(Resize(rows=28, columns=28),)))
    expected = cv2.resize(picture, (28, 28), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(found[0], expected.astype(np.float32))


def test_flat_picture_becomes_zeros() -> None:
    assert not apply_recipe(np.full((300, 300), 77, np.uint8), RECIPE).any()


def test_pixels_given_are_left_untouched() -> None:
    for picture in (_picture(), _picture().astype(np.uint16), _picture(28, 28)):
        before = picture.copy()
        apply_recipe(picture, RECIPE)
        assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 4, 5), np.uint8),
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.int16),
        np.zeros((0, 4), np.uint8),
    ],
)
def test_anything_but_a_grey_8_or_16_bit_picture_is_refused(wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError):
        apply_recipe(wrong, RECIPE)
