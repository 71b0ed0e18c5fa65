"""The network that finds lines of text: every fourth pixel in both directions gets the odds that text covers it."""

from __future__ import annotations

from torch import Tensor, nn

_DILATIONS = (1, 2, 4, 8, 4, 1)


class TextNetwork(nn.Module):
    """Two strided convolutions, then separable ones whose dilation lets a letter know of its neighbours in the line.

    Dilated context instead of pooling keeps small letters apart (Yu and Koltun, arXiv 1511.07122); separable
    convolutions keep it fast on a processor (Howard et al., arXiv 1704.04861).

    Args:
        width: Channels of the body.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(_normed(1, width // 2, side=5), _normed(width // 2, width, side=3))
        self.body = nn.Sequential(*(_Residual(width, dilation) for dilation in _DILATIONS))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Log odds of text.

        Args:
            image: Shape [image, 1, row, column], 0 to 1; rows and columns are multiples of 4.

        Returns:
            Shape [image, 1, row / 4, column / 4].
        """
        logits: Tensor = self.head(self.body(self.stem(image)))
        return logits


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.across = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, groups=width, bias=False)
        self.mixed = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width))
        self.active = nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        active: Tensor = self.active(image + self.mixed(self.across(image)))
        return active


def _normed(inputs: int, outputs: int, *, side: int) -> nn.Sequential:
    strided = nn.Conv2d(inputs, outputs, side, stride=2, padding=side // 2, bias=False)
    return nn.Sequential(strided, nn.BatchNorm2d(outputs), nn.ReLU())
