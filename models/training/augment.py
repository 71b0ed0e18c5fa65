"""Draws a new version of each training image, a batch at a time on its own device.

It changes contrast, place, sharpness and noise, never the anatomy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.training.settings import AugmentSettings

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
    """Z-score of each image by itself, shape [image, channel, *place]; as the recipe's last step."""
    flat = images.flatten(1)
    mean, deviation = flat.mean(dim=1), flat.std(dim=1, correction=0)
    return (images - _spread(mean, images)) / (_spread(deviation, images) + EPSILON)


def augment(images: Tensor, settings: AugmentSettings, draw: torch.Generator) -> Tensor:
    """A new version of each image, ready for the network.

    Args:
        images: Shape [image, channel, row, column] or [image, channel, slice, row, column], 0 to 1.
        settings: How far each change may go.
        draw: Where chance comes from, on the images' device.

    Returns:
        The same shape, z-scored.
    """
    images = _move(images, settings, draw)
    images = images.clamp(0, 1) ** _spread(torch.exp(_uniform(images, draw) * settings.gamma), images)
    images = _sharpen(images, settings.sharpness, draw)
    strength = _spread((_uniform(images, draw) + 1) / 2 * settings.noise, images)
    noise = torch.randn(images.shape, generator=draw, device=images.device)
    return normalise(images + strength * noise)


def blend(plain: Tensor, equalised: Tensor, share: float, draw: torch.Generator) -> Tensor:
    """Move a share of the images some way towards their equalised version, both [image, channel, row, column]."""
    chosen = torch.rand(len(plain), generator=draw, device=plain.device) < share
    weight = chosen.float() * torch.rand(len(plain), generator=draw, device=plain.device)
    return plain + _spread(weight, plain) * (equalised - plain)


def _spread(values: Tensor, images: Tensor) -> Tensor:
    """One value an image, in a shape that broadcasts over its channels and places."""
    return values.reshape(-1, *[1] * (images.ndim - 1))


def _uniform(images: Tensor, draw: torch.Generator) -> Tensor:
    """Shape [image], -1 to 1."""
    return torch.rand(len(images), generator=draw, device=images.device) * 2 - 1


def _move(images: Tensor, settings: AugmentSettings, draw: torch.Generator) -> Tensor:
    from monai.networks.layers import AffineTransform

    moved = AffineTransform(normalized=True, padding_mode="border", align_corners=False, reverse_indexing=False)(
        images, _draw_matrices(images, settings, draw)
    )
    return cast("Tensor", moved)


def _draw_matrices(images: Tensor, settings: AugmentSettings, draw: torch.Generator) -> Tensor:
    """Shape [image, rank, rank + 1]: from a place in the new image to one in the old, both -1 to 1, column first.

    A volume is turned in the plane of its slices and shifted along all axes.
    """
    rank = images.ndim - 2
    angle = torch.deg2rad(_uniform(images, draw) * settings.rotation_deg)
    wide = 1 + _uniform(images, draw) * settings.scale
    high = wide * (1 + _uniform(images, draw) * settings.aspect)
    shear = _uniform(images, draw) * settings.shear
    mirrored = torch.rand(len(images), generator=draw, device=images.device) < (0.5 if settings.flip else 0.0)
    matrix = torch.eye(rank, rank + 1, device=images.device).repeat(len(images), 1, 1)
    matrix[:, 0, 0] = wide * angle.cos() * torch.where(mirrored, -1.0, 1.0)
    matrix[:, 0, 1] = shear - wide * angle.sin()
    matrix[:, 1, 0] = high * angle.sin() * torch.where(mirrored, -1.0, 1.0)
    matrix[:, 1, 1] = high * angle.cos()
    # The grid spans -1 to 1, so a shift relative to the side counts twice.
    shift = torch.rand((len(images), rank), generator=draw, device=images.device) * 2 - 1
    matrix[:, :, rank] = shift * settings.shift * 2
    return matrix


def _sharpen(images: Tensor, strength: float, draw: torch.Generator) -> Tensor:
    """Add or take away a share of what a 3-tap binomial filter removes, in the plane."""
    weight = _spread(_uniform(images, draw) * strength, images)
    if strength == 0:
        return images
    planes = images.flatten(0, -3)[:, None]
    taps = torch.tensor([1.0, 2.0, 1.0], device=images.device) / 4
    padded = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    soft = functional.conv2d(functional.conv2d(padded, taps[None, None, :, None]), taps[None, None, None, :])
    return images + weight * (soft.reshape(images.shape) - images)
