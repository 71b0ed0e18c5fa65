"""Draws views of an image: what pre-training teaches a network to call the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training.augment import augment, blend
from models.training.source import equalised, to_unit
from models.training.workers import seed_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.pretraining.settings import PretrainSettings
    from models.training.settings import LabelledSet
    from models.training.workers import Workers


class ViewSource:
    """The whole set on the device; each batch comes as two views of the same images.

    Args:
        pictures: What is learnt from; its labels are not looked at.
        settings: Order, batch size and views.
        workers: Who shares each batch.
        device: Where the images lie.

    Attributes:
        steps: Optimiser steps a pass.
    """

    def __init__(
        self, pictures: LabelledSet, settings: PretrainSettings, *, workers: Workers, device: torch.device
    ) -> None:
        self._settings, self._workers, self._device = settings, workers, device
        self._images = torch.from_numpy(pictures.images).to(device)
        self._equalised = equalised(pictures, settings.augment, device)
        self.steps = max(len(pictures) // settings.batch_size, 1)

    def batches(self, epoch: int, draw: torch.Generator) -> Iterator[Tensor]:
        """This worker's share of each batch: shape [2 * image, channel, *place], first views before second ones."""
        order = np.random.default_rng(seed_for(self._settings.seed, epoch)).permutation(len(self._images))
        for start in range(self.steps):
            batch = order[start * self._settings.batch_size :][: self._settings.batch_size]
            chosen = self._workers.share(torch.from_numpy(batch).to(self._device))
            yield self._look(chosen.repeat(2), draw)

    def _look(self, chosen: Tensor, draw: torch.Generator) -> Tensor:
        images = to_unit(self._images[chosen])
        if self._equalised is not None:
            images = blend(images, to_unit(self._equalised[chosen]), self._settings.augment.equalised_share, draw)
        return augment(crop(images, self._settings.crop, draw), self._settings.augment, draw)


def crop(images: Tensor, least: float, draw: torch.Generator) -> Tensor:
    """Cut a box out of each image and enlarge it to the image's size.

    Args:
        images: Shape [image, channel, *place].
        least: Smallest share of the places that a box holds, above 0 to 1; the largest is all of them.
        draw: Where chance comes from, on the images' device.

    Returns:
        The same shape, interpolated linearly.

    Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015 (section 6), as SimCLR uses it.
    """
    if least == 1:
        return images
    rank, device = images.ndim - 2, images.device
    share = least + (1 - least) * torch.rand((len(images), 1), generator=draw, device=device)
    side = share ** (1 / rank)
    middle = (torch.rand((len(images), rank), generator=draw, device=device) * 2 - 1) * (1 - side)
    matrix = torch.cat([torch.eye(rank, device=device) * side[:, :, None], middle[:, :, None]], dim=2)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
