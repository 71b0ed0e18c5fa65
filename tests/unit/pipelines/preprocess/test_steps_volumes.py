from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.recipe import Clahe, Median, Recipe, Rescale, Resize, ZScore, standard_recipe, volume_recipe
from pipelines.preprocess.steps import apply_recipe, apply_recipe_to_channels, prepare_channels
from sievert.errors import DataError


def _volume(*shape: int) -> NDArray[np.float32]:
    return np.asarray(np.random.default_rng(0).normal(100, 30, shape), dtype=np.float32)


def _resized(volume: NDArray[np.uint8], *shape: int) -> NDArray[np.uint8]:
    slices, rows, columns = shape
    recipe = Recipe(steps=(Resize(slices=slices, rows=rows, columns=columns),))
    return np.asarray(prepare_channels(volume[None], recipe)[0])


def test_volume_comes_out_in_the_networks_shape_and_normalised() -> None:
    found = apply_recipe(_volume(9, 14, 11), volume_recipe(slices=4, rows=6, columns=5))
    assert found.shape == (1, 4, 6, 5)
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(0, abs=1e-5)
    assert found.std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1.7e6])
def test_scale_and_offset_of_intensities_do_not_matter(scale: float) -> None:
    recipe, volume = volume_recipe(slices=5, rows=5, columns=5), _volume(5, 5, 5)
    assert prepare_channels(volume[None] * np.float32(scale) - np.float32(7), recipe) == pytest.approx(
        prepare_channels(volume[None], recipe), abs=1
    )


def test_one_bright_voxel_does_not_decide_how_the_rest_looks() -> None:
    volume = _volume(10, 10, 10)
    volume[0, 0, 0] = 1.7e6
    prepared = prepare_channels(volume[None], Recipe(steps=(Rescale(),)))
    assert prepared.dtype == np.uint8
    assert prepared.std() > 30
    assert prepared[0, 0, 0, 0] == 255


def test_percentiles_reach_from_black_to_white() -> None:
    ramp = np.arange(101, dtype=np.uint16).reshape(1, 1, 101)
    prepared = prepare_channels(ramp[None], Recipe(steps=(Rescale(low=10, high=90),))).ravel()
    assert prepared[:11].max() == 0
    assert prepared[90:].min() == 255
    assert prepared[50] == 128


def test_mostly_background_and_flat_volumes_stay_finite() -> None:
    volume = np.zeros((10, 10, 10), np.float32)
    recipe = Recipe(steps=(Rescale(), ZScore()))
    assert not apply_recipe(volume, recipe).any()
    volume[5, 5, 5] = 3
    assert apply_recipe(volume, recipe).argmax() == 555


def test_shrinking_takes_means_of_blocks() -> None:
    volume = np.random.default_rng(1).integers(0, 256, (4, 6, 8), dtype=np.uint8)
    blocks = volume.reshape(2, 2, 3, 2, 4, 2).mean(axis=(1, 3, 5))
    assert _resized(volume, 2, 3, 4) == pytest.approx(blocks, abs=0.51)


def test_enlarging_across_the_plane_is_linear() -> None:
    volume = np.repeat(np.array([0, 100], np.uint8), 4).reshape(2, 2, 2)
    assert _resized(volume, 4, 2, 2)[:, 0, 0].tolist() == [0, 25, 75, 100]


def test_flat_volume_stays_flat_and_equal_shape_stays_equal() -> None:
    assert np.unique(_resized(np.full((3, 5, 7), 9, np.uint8), 6, 2, 9)).tolist() == [9]
    volume = np.random.default_rng(2).integers(0, 256, (3, 4, 5), dtype=np.uint8)
    assert np.array_equal(_resized(volume, 3, 4, 5), volume)


def test_channels_are_prepared_one_by_one_and_normalised_together() -> None:
    channels = np.random.default_rng(3).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    channels[1] //= 4
    found = apply_recipe_to_channels(channels, standard_recipe(rows=28, columns=28))
    values = channels.astype(np.float32)
    assert found == pytest.approx((values - values.mean()) / (values.std() + 1e-6), abs=1e-5)


def test_one_channel_equals_the_picture_alone() -> None:
    picture = np.random.default_rng(4).integers(0, 256, (300, 200), dtype=np.uint8)
    recipe = standard_recipe(rows=28, columns=28)
    assert np.array_equal(apply_recipe_to_channels(picture[None], recipe), apply_recipe(picture, recipe))


def test_preparing_and_normalising_afterwards_equals_the_whole_recipe() -> None:
    picture = np.random.default_rng(5).integers(0, 60_000, (40, 50)).astype(np.uint16)
    recipe = standard_recipe(rows=28, columns=28)
    prepared = prepare_channels(picture[None], recipe).astype(np.float32)
    assert (prepared - prepared.mean()) / prepared.std() == pytest.approx(apply_recipe(picture, recipe), abs=0.02)


@pytest.mark.parametrize("step", [Median(), Clahe(), Resize(rows=3, columns=3)])
def test_steps_of_pictures_refuse_volumes(step: Median | Clahe | Resize) -> None:
    with pytest.raises(DataError, match=r"volumes|dimensions"):
        apply_recipe(np.zeros((4, 4, 4), np.uint8), Recipe(steps=(step,)))


def test_resize_of_volumes_refuses_pictures() -> None:
    with pytest.raises(DataError, match="3 dimensions"):
        apply_recipe(np.zeros((4, 4), np.uint8), volume_recipe(slices=2, rows=2, columns=2))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    volume = _volume(3, 3, 3)
    volume[1, 1, 1] = value
    with pytest.raises(DataError, match="finite"):
        apply_recipe(volume, volume_recipe(slices=2, rows=2, columns=2))


def test_floating_point_needs_a_rescale_first() -> None:
    with pytest.raises(DataError, match="before a rescale"):
        apply_recipe(_volume(3, 3, 3), Recipe(steps=(Resize(slices=2, rows=2, columns=2), ZScore())))
