"""Mixes pairs of images and their targets within a batch.

Our own, because MONAI's MixUp refuses the targets of a classification and its CutMix counts a box that sticks out of
the image as if it lay inside; torchvision's is not to be had beside the CPU build of torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from models.training.settings import TrainingSettings


def mix(
    images: Tensor, targets: Tensor, settings: TrainingSettings, *, step: int, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each image with another of the batch, as mixup or cutmix say.

    Args:
        images: Shape [image, channel, *place].
        targets: Shape [image, class], shares that add up to 1.
        settings: With both kinds on, even steps mix and odd steps paste.
        step: Number of the step in the epoch.
        draw: Where chance comes from.

    Returns:
        Images and targets of the same shapes.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018; Yun et al., "CutMix: regularization
    strategy to train strong classifiers with localizable features", ICCV 2019.
    """
    pastes = settings.cutmix > 0 and (settings.mixup == 0 or step % 2 == 1)
    alpha = settings.cutmix if pastes else settings.mixup
    if alpha == 0:
        return images, targets
    chance = np.random.default_rng(int(torch.randint(2**62, (1,), generator=draw, device=draw.device)))
    share = float(chance.beta(alpha, alpha))
    other = torch.from_numpy(chance.permutation(len(images))).to(images.device)
    if pastes:
        images, share = _paste(images, images[other], share, chance)
    else:
        images = share * images + (1 - share) * images[other]
    return images, share * targets + (1 - share) * targets[other]


def _paste(images: Tensor, others: Tensor, share: float, chance: np.random.Generator) -> tuple[Tensor, float]:
    """Put one box of the others into all images; the share of the images that is left, and they."""
    places = images.shape[2:]
    part = (1 - share) ** (1 / len(places))
    box = tuple(_draw_span(side, part, chance) for side in places)
    pasted = images.clone()
    place: Any = (..., *box)
    pasted[place] = others[place]
    taken = math.prod(span.stop - span.start for span in box) / math.prod(places)
    return pasted, 1 - taken


def _draw_span(side: int, part: float, chance: np.random.Generator) -> slice:
    """A span around a random middle, cut where it would leave the image."""
    middle, half = int(chance.integers(side)), side * part / 2
    return slice(max(round(middle - half), 0), min(round(middle + half), side))
