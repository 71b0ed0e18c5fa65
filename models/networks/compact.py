"""A small hybrid network for thumbnails: inverted residuals below, one attention stage on top.

It ends in global average pooling and one linear layer, so `models.gradcam` explains it exactly.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class CompactNet(nn.Module):
    """A dense stem, two stages of inverted residuals at 1/2 and 1/4 of the side, self-attention, pooling, head.

    At full side there is only the stem: on thumbnails, widening there would cost more than all the rest.

    Args:
        classes: Classes that the head tells apart.
        widths: Channels of the stem, of the two stages and of the last map.
        depths: Blocks in each stage; the second stage has one more, which halves the side.
        dropout: Share of pooled channels dropped in training, 0 to 1.

    Attributes:
        reduction: By how much the side of the feature map is smaller than the picture's.
    """

    reduction = 4

    def __init__(
        self,
        *,
        classes: int,
        widths: tuple[int, int, int, int] = (24, 48, 96, 128),
        depths: tuple[int, int] = (2, 2),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        stem, fine, coarse, last = widths
        self.stem = nn.Sequential(
            *_convolve(1, stem), nn.ReLU(inplace=True), *_convolve(stem, fine, stride=2), nn.ReLU(inplace=True)
        )
        self.fine = nn.Sequential(*[InvertedResidual(fine, fine, stride=1) for _ in range(depths[0])])
        self.halve = InvertedResidual(fine, coarse, stride=2)
        self.coarse = nn.Sequential(*[InvertedResidual(coarse, coarse, stride=1) for _ in range(depths[1])])
        self.attention = Attention(coarse, heads=4)
        self.last = nn.Sequential(*_convolve(coarse, last, side=1), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(last, classes)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and the map that was pooled.

        Args:
            image: Shape [image, 1, row, column]; rows and columns are multiples of 4.

        Returns:
            Shapes [image, class] and [image, channel, row / 4, column / 4].
        """
        coarse = self.coarse(self.halve(self.fine(self.stem(image))))
        features = self.last(self.attention(coarse))
        return self.head(self.dropout(features.mean(dim=(2, 3)))), features


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, weigh the channels, narrow; added to its input where it fits.

    Source: Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    def __init__(self, channels_in: int, channels_out: int, *, stride: int, expansion: int = 3) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.adds = stride == 1 and channels_in == channels_out
        self.body = nn.Sequential(
            *_convolve(channels_in, wide, side=1),
            nn.ReLU(inplace=True),
            *_convolve(wide, wide, stride=stride, groups=wide),
            nn.ReLU(inplace=True),
            SqueezeExcite(wide),
            *_convolve(wide, channels_out, side=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, row, column] in and out; the side is divided by the stride."""
        out: Tensor = self.body(features)
        return out + features if self.adds else out


class SqueezeExcite(nn.Module):
    """Scales each channel, 0 to 1, by what all channels' means say.

    Source: Hu et al., "Squeeze-and-excitation networks", CVPR 2018.
    """

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, max(channels // reduction, 8), 1)
        self.excite = nn.Conv2d(max(channels // reduction, 8), channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, row, column] in and out."""
        means = features.mean(dim=(2, 3), keepdim=True)
        return features * functional.hardsigmoid(self.excite(functional.relu(self.squeeze(means))))


class Attention(nn.Module):
    """Self-attention between places, added to its input; it starts as nothing and grows in training.

    A depth-wise convolution of the values tells it where a place lies.

    Source: Vaswani et al., "Attention is all you need", 2017; Touvron et al., "Going deeper with image
    transformers", ICCV 2021 (the scale that starts near 0).
    """

    def __init__(self, channels: int, *, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.BatchNorm2d(channels)
        self.project = nn.Conv2d(channels, channels * 3, 1, bias=False)
        self.place = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.merge = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 0.1))

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, row, column] in and out."""
        images, channels, rows, columns = features.shape
        query, key, value = self.project(self.norm(features)).chunk(3, dim=1)
        split = (images, self.heads, channels // self.heads, rows * columns)
        query, key, tokens = query.reshape(split), key.reshape(split), value.reshape(split)
        similar = query.transpose(-1, -2) @ key * (channels // self.heads) ** -0.5
        seen = (tokens @ similar.softmax(dim=-1).transpose(-1, -2)).reshape(images, channels, rows, columns)
        return cast("Tensor", features + self.scale * self.merge(seen + self.place(value)))


def _convolve(
    channels_in: int, channels_out: int, *, side: int = 3, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, side, stride, padding=side // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(channels_out)]
