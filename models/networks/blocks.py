"""Blocks of our own networks, in two and in three dimensions."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

CONVOLUTIONS: dict[int, Callable[..., nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
NORMS: dict[int, Callable[..., nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOLS: dict[int, Callable[..., nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
"""By rank, the number of spatial dimensions."""

EXPANSION = 3
"""Times as many channels between the two ends of an inverted residual."""


def convolve(
    channels_in: int, channels_out: int, *, rank: int, side: int = 3, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution that keeps the side up to its stride, and batch normalisation."""
    convolution = CONVOLUTIONS[rank](
        channels_in, channels_out, side, stride, padding=side // 2, groups=groups, bias=False
    )
    return [convolution, NORMS[rank](channels_out)]


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, weigh the channels, narrow; added to its input where it fits.

    Source: Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    def __init__(self, channels_in: int, channels_out: int, *, rank: int, stride: int, squeeze: bool = True) -> None:
        super().__init__()
        wide = channels_in * EXPANSION
        self.adds = stride == 1 and channels_in == channels_out
        self.body = nn.Sequential(
            *convolve(channels_in, wide, rank=rank, side=1),
            nn.ReLU(inplace=True),
            *convolve(wide, wide, rank=rank, stride=stride, groups=wide),
            nn.ReLU(inplace=True),
            SqueezeExcite(wide, rank=rank) if squeeze else nn.Identity(),
            *convolve(wide, channels_out, rank=rank, side=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, *place] in and out; the side is divided by the stride."""
        out: Tensor = self.body(features)
        return out + features if self.adds else out


class SqueezeExcite(nn.Module):
    """Scales each channel, 0 to 1, by what all channels' means say.

    Source: Hu et al., "Squeeze-and-excitation networks", CVPR 2018.
    """

    def __init__(self, channels: int, *, rank: int, reduction: int = 8) -> None:
        super().__init__()
        narrow = max(channels // reduction, 8)
        self.places = tuple(range(2, 2 + rank))
        self.squeeze = CONVOLUTIONS[rank](channels, narrow, 1)
        self.excite = CONVOLUTIONS[rank](narrow, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, *place] in and out."""
        means = features.mean(dim=self.places, keepdim=True)
        return features * functional.hardsigmoid(self.excite(functional.relu(self.squeeze(means))))


class Attention(nn.Module):
    """Self-attention between places, added to its input; it starts as nothing and grows in training.

    A depth-wise convolution of the values tells it where a place lies.

    Source: Vaswani et al., "Attention is all you need", 2017; Touvron et al., "Going deeper with image
    transformers", ICCV 2021 (the scale that starts near 0).
    """

    def __init__(self, channels: int, *, rank: int, heads: int) -> None:
        super().__init__()
        convolution = CONVOLUTIONS[rank]
        self.heads = heads
        self.norm = NORMS[rank](channels)
        self.project = convolution(channels, channels * 3, 1, bias=False)
        self.place = convolution(channels, channels, 3, padding=1, groups=channels)
        self.merge = convolution(channels, channels, 1)
        self.scale = nn.Parameter(torch.full((channels, *[1] * rank), 0.1))

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, *place] in and out."""
        query, key, value = self.project(self.norm(features)).chunk(3, dim=1)
        seen = self._attend(self._split(query), self._split(key), self._split(value))
        merged: Tensor = self.merge(seen.transpose(-1, -2).reshape(features.shape) + self.place(value))
        return features + self.scale * merged

    @staticmethod
    def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        similar = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        return torch.softmax(similar, dim=-1) @ value

    def _split(self, features: Tensor) -> Tensor:
        """To shape [image, head, place, channel]."""
        images, channels, *places = features.shape
        tokens = features.reshape(images, self.heads, channels // self.heads, prod(places))
        return tokens.transpose(-1, -2)
