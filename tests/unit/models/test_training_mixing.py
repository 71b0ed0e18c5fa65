from __future__ import annotations

from typing import Any

import pytest
import torch

from models.training.mixing import mix
from tests.unit.models.training_samples import settings


def _mix(shape: tuple[int, ...], *, step: int = 0, seed: int = 0, **others: Any) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401 - any setting
    """Images whose every pixel is their own number and whose class it is: so pixels can be counted."""
    images = torch.arange(6.0).reshape(-1, 1, *[1] * len(shape)).expand(6, 2, *shape).clone()
    draw = torch.Generator().manual_seed(seed)
    return mix(images, torch.eye(6), settings(**others), step=step, draw=draw)


@pytest.mark.parametrize("shape", [(20, 14), (8, 10, 12)], ids=["pictures", "volumes"])
@pytest.mark.parametrize("seed", range(12))
def test_cutmix_targets_are_the_shares_of_pixels(shape: tuple[int, ...], seed: int) -> None:
    images, targets = _mix(shape, seed=seed, cutmix=1.0)
    for image, target in zip(images, targets, strict=True):
        shares = torch.stack([(image == number).float().mean() for number in range(6)])
        assert torch.allclose(shares, target, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_mixup_targets_are_the_shares_of_brightness(seed: int) -> None:
    images, targets = _mix((5, 5), seed=seed, mixup=0.8)
    assert torch.allclose(images.mean((1, 2, 3)), targets @ torch.arange(6.0), atol=1e-5)
    assert all(len(image.unique()) == 1 for image in images)


def test_pasted_part_is_on_average_what_beta_says() -> None:
    kept = [_mix((32, 32), seed=seed, cutmix=1.0)[1].max(1).values.mean().item() for seed in range(200)]
    assert 0.6 < sum(kept) / len(kept) < 0.9  # a box that sticks out of the image takes less


def test_both_kinds_take_turns_and_without_any_nothing_changes() -> None:
    mixed = [_mix((8, 8), step=step, mixup=1.0, cutmix=1.0)[0] for step in (0, 1)]
    assert all(len(image.unique()) == 1 for image in mixed[0])
    assert any(len(image.unique()) == 2 for image in mixed[1])
    images, targets = _mix((8, 8))
    assert torch.equal(images[:, 0, 0, 0], torch.arange(6.0))
    assert torch.equal(targets, torch.eye(6))


def test_images_given_are_left_as_they_were() -> None:
    images, targets = torch.rand(4, 1, 8, 8), torch.eye(4)
    before = images.clone()
    mix(images, targets, settings(cutmix=1.0), step=0, draw=torch.Generator().manual_seed(0))
    assert torch.equal(images, before)
    assert torch.equal(targets, torch.eye(4))
