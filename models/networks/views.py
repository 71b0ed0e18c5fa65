"""Averages what a network says of an image and of moved copies of it: test-time augmentation, part of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from models.networks.classifier import Classifier

Views = Literal["plain", "mirrored", "shifted", "both"]
"""Over what a prediction is averaged: the image; and its mirror image; and copies moved by a pixel each way; all."""

_SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


class AveragedViews(nn.Module):
    """A network that looks several times; logits are averaged, and so are the maps, each put back in its place.

    Behind a linear head over the mean of the map the averaged map explains the averaged logits exactly.

    Args:
        network: In evaluation mode.
        views: Which; see `Views`.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1.
    """

    def __init__(self, network: Classifier, views: Views) -> None:
        super().__init__()
        self.network = network
        self.moves = [(0, 0), *(_SHIFTS if views in {"shifted", "both"} else ())]
        self.mirrors = views in {"mirrored", "both"}

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """As the network's own, see `Classifier.forward`."""
        looks = [_shift(image, *move) for move in self.moves]
        looks += [look.flip(-1) for look in looks] if self.mirrors else []
        logits, features = self.network(torch.cat(looks))
        logits = logits.unflatten(0, (len(looks), -1))
        features = features.unflatten(0, (len(looks), -1))
        return logits.mean(dim=0), self._gather(features)

    def _gather(self, features: Tensor) -> Tensor:
        """Mean of maps [look, image, feature, *place]; a pixel's shift is less than a place, a mirror image is not."""
        if not self.mirrors:
            return features.mean(dim=0)
        plain, mirrored = features.chunk(2)
        return (plain.mean(dim=0) + mirrored.mean(dim=0).flip(-1)) / 2


def looking(network: Classifier) -> nn.Module:
    """The network as its package runs it: with the views of its spec."""
    return network if network.spec.views == "plain" else AveragedViews(network, network.spec.views).eval()


def _shift(image: Tensor, down: int, right: int) -> Tensor:
    """Move by whole pixels in the plane; what comes in at the edge is the edge."""
    if not down and not right:
        return image
    rows, columns = image.shape[-2:]
    sides = (1, 1, 1, 1) if image.ndim == 4 else (1, 1, 1, 1, 0, 0)  # noqa: PLR2004 - image, channel, row, column
    padded = functional.pad(image, sides, mode="replicate")
    return padded[..., 1 - down : 1 - down + rows, 1 - right : 1 - right + columns]
