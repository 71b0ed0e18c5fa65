"""Draws a new version of each training image: contrast, place and noise, never another anatomy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.training.settings import TrainingSettings

EPSILON = 1e-6
"""Added to the deviation, as the recipe's z-score does."""


def equalise_contrast(images: NDArray[np.uint8], *, enlarge: int = 8) -> NDArray[np.uint8]:
    """What a full-size picture's median, CLAHE and area resize would have made of each thumbnail.

    The recipe equalises full-size pictures and leaves thumbnails alone, but thumbnails are what there is
    to train on; so each is enlarged, equalised as the recipe does it, and shrunk again.

    Args:
        images: Shape [image, row, column].
        enlarge: By how much a side grows meanwhile.
    """
    import cv2

    clahe = cv2.createCLAHE(2.0, (8, 8))
    rows, columns = images.shape[1:]
    large = (columns * enlarge, rows * enlarge)
    equalised = [clahe.apply(cv2.resize(image, large, interpolation=cv2.INTER_CUBIC)) for image in images]
    return np.stack([cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA) for image in equalised])


def normalise(images: Tensor) -> Tensor:
    """Z-score of each image by itself, shape [image, 1, row, column]; as the recipe's last step."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    deviation = images.std(dim=(1, 2, 3), keepdim=True, correction=0)
    return (images - mean) / (deviation + EPSILON)


def augment(plain: Tensor, equalised: Tensor, settings: TrainingSettings, draw: torch.Generator) -> Tensor:
    """A new version of each image, ready for the network.

    Args:
        plain: Shape [image, 1, row, column], 0 to 1.
        equalised: The same images with equalised contrast.
        settings: How far each change may go.
        draw: Where chance comes from.

    Returns:
        Shape [image, 1, row, column], z-scored.
    """
    images = _blend(plain, equalised, settings.equalised_share, draw)
    images = _move(images, settings, draw)
    images = images.clamp(0, 1) ** torch.exp(_uniform(images, draw) * settings.gamma)
    strength = (_uniform(images, draw) + 1) / 2 * settings.noise
    images = images + strength * torch.randn(images.shape, generator=draw)
    return normalise(images)


def _uniform(images: Tensor, draw: torch.Generator) -> Tensor:
    """Shape [image, 1, 1, 1], -1 to 1."""
    return torch.rand((len(images), 1, 1, 1), generator=draw) * 2 - 1


def _blend(plain: Tensor, equalised: Tensor, share: float, draw: torch.Generator) -> Tensor:
    chosen = (torch.rand((len(plain), 1, 1, 1), generator=draw) < share).float()
    weight = chosen * torch.rand((len(plain), 1, 1, 1), generator=draw)
    return plain + weight * (equalised - plain)


def _move(images: Tensor, settings: TrainingSettings, draw: torch.Generator) -> Tensor:
    angle = torch.deg2rad(_uniform(images, draw).flatten() * settings.rotation_deg)
    size = 1 + _uniform(images, draw).flatten() * settings.scale
    mirror = torch.where(torch.rand(len(images), generator=draw) < (0.5 if settings.flip else 0.0), -1.0, 1.0)
    matrix = torch.zeros(len(images), 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = size * angle.cos() * mirror, -size * angle.sin()
    matrix[:, 1, 0], matrix[:, 1, 1] = size * angle.sin() * mirror, size * angle.cos()
    # The grid spans -1 to 1, so a shift relative to the side counts twice.
    matrix[:, :, 2] = (torch.rand((len(images), 2), generator=draw) * 2 - 1) * settings.shift * 2
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
