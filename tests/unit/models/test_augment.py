from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch

from models.training.augment import augment, equalise_contrast, normalise
from models.training.settings import TrainingSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

STILL = TrainingSettings(equalised_share=0, rotation_deg=0, scale=0, shift=0, gamma=0, noise=0, flip=False)


def _pictures(images: int = 6) -> NDArray[np.uint8]:
    draw = np.random.default_rng(0)
    coarse = draw.integers(80, 160, (images, 7, 7)).astype(np.uint8)
    return np.stack([cv2.resize(picture, (28, 28), interpolation=cv2.INTER_CUBIC) for picture in coarse])


def _tensor(pictures: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(pictures).float()[:, None] / 255


def _augment(settings: TrainingSettings, seed: int = 1) -> torch.Tensor:
    plain = _tensor(_pictures())
    return augment(plain, 1 - plain, settings, torch.Generator().manual_seed(seed))


def test_without_any_strength_only_the_zscore_is_left() -> None:
    found = _augment(STILL)
    pixels = _pictures().astype(np.float32)[:, None]
    expected = (pixels - pixels.mean((1, 2, 3), keepdims=True)) / pixels.std((1, 2, 3), keepdims=True)
    assert found.numpy() == pytest.approx(expected, abs=1e-3)
    assert torch.equal(found, _augment(STILL, seed=2))


@pytest.mark.parametrize(
    "change",
    [{"rotation_deg": 20}, {"scale": 0.3}, {"shift": 0.2}, {"gamma": 0.8}, {"noise": 0.1}, {"equalised_share": 1.0}],
)
def test_each_strength_changes_images_and_follows_the_seed(change: dict[str, float]) -> None:
    settings = STILL.model_copy(update=change)
    assert torch.equal(_augment(settings), _augment(settings))
    assert not torch.allclose(_augment(settings), _augment(STILL), atol=1e-2)


def test_flip_mirrors_some_images_and_leaves_the_others() -> None:
    still, found = _augment(STILL), _augment(STILL.model_copy(update={"flip": True}))
    same = torch.isclose(found, still, atol=1e-3).flatten(1).all(1)
    mirrored = torch.isclose(found, still.flip(3), atol=1e-3).flatten(1).all(1)
    assert (same | mirrored).all()
    assert 0 < int(mirrored.sum()) < len(found)


def test_equalised_pictures_keep_their_size_and_gain_contrast() -> None:
    pictures = _pictures()
    equalised = equalise_contrast(pictures)
    assert equalised.shape == pictures.shape
    assert equalised.dtype == np.uint8
    assert (equalised.std(axis=(1, 2)) > pictures.std(axis=(1, 2))).all()


def test_normalised_images_have_mean_zero_and_deviation_one() -> None:
    images = normalise(_tensor(_pictures()))
    assert images.mean(dim=(1, 2, 3)).numpy() == pytest.approx(np.zeros(6), abs=1e-5)
    assert images.std(dim=(1, 2, 3), correction=0).numpy() == pytest.approx(np.ones(6), abs=1e-4)
