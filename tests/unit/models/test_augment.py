from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import torch

from models.training.augment import augment, blend, equalise_contrast, normalise
from models.training.settings import AugmentSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

STILL = AugmentSettings(rotation_deg=0, scale=0, aspect=0, shear=0, shift=0, gamma=0, sharpness=0, noise=0, flip=False)
STRENGTHS: list[dict[str, float]] = [
    {"rotation_deg": 20},
    {"scale": 0.3},
    {"aspect": 0.3},
    {"shear": 0.3},
    {"shift": 0.2},
    {"gamma": 0.8},
    {"sharpness": 1.0},
    {"noise": 0.1},
]


def _pictures(images: int = 6) -> NDArray[np.uint8]:
    draw = np.random.default_rng(0)
    coarse = draw.integers(80, 160, (images, 7, 7)).astype(np.uint8)
    return np.stack([cv2.resize(picture, (28, 28), interpolation=cv2.INTER_CUBIC) for picture in coarse])


def _tensor(pictures: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(pictures).float()[:, None] / 255


def _augment(settings: AugmentSettings, seed: int = 1, images: torch.Tensor | None = None) -> torch.Tensor:
    given = _tensor(_pictures()) if images is None else images
    return augment(given, settings, torch.Generator().manual_seed(seed))


def _with(**change: Any) -> AugmentSettings:  # noqa: ANN401 - any strength
    return STILL.model_copy(update=change)


def test_without_any_strength_only_the_zscore_is_left() -> None:
    found = _augment(STILL)
    pixels = _pictures().astype(np.float32)[:, None]
    expected = (pixels - pixels.mean((1, 2, 3), keepdims=True)) / pixels.std((1, 2, 3), keepdims=True)
    assert found.numpy() == pytest.approx(expected, abs=1e-3)
    assert torch.equal(found, _augment(STILL, seed=2))


@pytest.mark.parametrize("change", STRENGTHS, ids=lambda change: next(iter(change)))
def test_each_strength_changes_images_and_follows_the_seed(change: dict[str, float]) -> None:
    settings = _with(**change)
    assert torch.equal(_augment(settings), _augment(settings))
    assert not torch.allclose(_augment(settings), _augment(settings, seed=2), atol=1e-2)
    assert not torch.allclose(_augment(settings), _augment(STILL), atol=1e-2)


def test_flip_mirrors_some_images_left_to_right_and_leaves_the_others() -> None:
    still, found = _augment(STILL), _augment(_with(flip=True))
    same = torch.isclose(found, still, atol=1e-3).flatten(1).all(1)
    mirrored = torch.isclose(found, still.flip(3), atol=1e-3).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 0 < int(mirrored.sum()) < len(found)


def test_shift_moves_by_no_more_than_the_share_of_the_side() -> None:
    dot = torch.zeros(40, 1, 41, 41)
    dot[:, :, 20, 20] = 1
    moved = _augment(_with(shift=0.1), images=dot)
    for image in moved[:, 0]:
        row, column = divmod(int(image.argmax()), 41)
        assert max(abs(row - 20), abs(column - 20)) <= 0.1 * 41 + 1
    assert len({int(image.argmax()) for image in moved[:, 0]}) > 10


def test_volumes_are_turned_in_the_plane_and_flipped_along_columns_alone() -> None:
    volume = torch.zeros(8, 2, 5, 9, 9)
    volume[:, :, 1:3, 2:5, 3:8] = 1
    turned = _augment(_with(rotation_deg=90), images=volume)
    assert turned.shape == volume.shape
    bright = (turned > 0.5).flatten(3).any(3)[:, 0]
    assert bright.tolist() == [[False, True, True, False, False]] * 8
    mirrored = _augment(_with(flip=True), images=volume)
    still = _augment(STILL, images=volume)
    flipped = torch.isclose(mirrored, still.flip(4), atol=1e-3).flatten(1).all(1)
    assert (flipped ^ torch.isclose(mirrored, still, atol=1e-3).flatten(1).all(1)).all()


def test_blending_moves_the_chosen_share_towards_the_equalised_picture() -> None:
    plain, equalised = torch.zeros(400, 1, 2, 2), torch.ones(400, 1, 2, 2)
    blended = blend(plain, equalised, 0.3, torch.Generator().manual_seed(0))[:, 0, 0, 0]
    assert 0.2 < (blended > 0).float().mean() < 0.4
    assert blended.max() < 1
    assert torch.equal(blend(plain, equalised, 0.0, torch.Generator()), plain)


def test_equalised_pictures_keep_their_size_and_gain_contrast() -> None:
    pictures = _pictures()
    equalised = equalise_contrast(pictures)
    assert equalised.shape == pictures.shape
    assert equalised.dtype == np.uint8
    assert (equalised.std(axis=(1, 2)) > pictures.std(axis=(1, 2))).all()


def test_normalised_images_have_mean_zero_and_deviation_one_and_flat_ones_stay_finite() -> None:
    images = normalise(_tensor(_pictures()))
    assert images.mean(dim=(1, 2, 3)).numpy() == pytest.approx(np.zeros(6), abs=1e-5)
    assert images.std(dim=(1, 2, 3), correction=0).numpy() == pytest.approx(np.ones(6), abs=1e-4)
    assert normalise(torch.full((1, 1, 4, 4), 0.5)).abs().max() < 1e-3
