"""U-Net with a classification head, from MONAI's blocks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field
from torch import Tensor, nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.classifier import Classifier
from models.networks.space import COMMON, Choice
from models.networks.stages import group_stages

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec

STAGES = (("conv_0",), ("downs.0",), ("downs.1",), ("downs.2",), ("downs.3",), ("ups.0", "ups.1", "ups.2", "ups.3"))
"""The contracting path level by level, and the expanding path."""


class UNetOptions(NetworkOptions):
    """Options of U-Net.

    Attributes:
        width: Channels at full side, doubled at each of the four halvings; the paper has 64.
    """

    width: int = Field(default=32, ge=1)


class UNetBody(nn.Module):
    """Contracting and expanding path, joined level by level; the map has the input's side.

    MONAI's `BasicUNet` keeps all channels in its last upsampling, so its blocks are put together here as the paper
    draws them. Unlike the paper's, convolutions are padded, and batch normalisation takes the place of their biases.

    Args:
        rank: Spatial dimensions.
        channels: Input channels.
        width: Channels at full side.
    """

    def __init__(self, *, rank: int, channels: int, width: int) -> None:
        from monai.networks.nets.basic_unet import Down, TwoConv, UpCat

        super().__init__()
        plan = {"act": ("relu", {"inplace": True}), "norm": "batch", "bias": False}
        wide = [width * 2**level for level in range(5)]
        down, up = partial(Down, rank, **plan), partial(UpCat, rank, **plan)
        self.conv_0 = TwoConv(rank, channels, width, **plan)
        self.downs = nn.ModuleList(down(wide[level], wide[level + 1]) for level in range(4))
        self.ups = nn.ModuleList(up(wide[level + 1], wide[level], wide[level]) for level in reversed(range(4)))

    def forward(self, image: Tensor) -> Tensor:
        """Shapes [image, channel, *place] and [image, width, *place]."""
        levels = [self.conv_0(image)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        features: Tensor = levels.pop()
        for up in self.ups:
            features = up(features, levels.pop())
        return features


def build_unet(spec: NetworkSpec) -> Classifier:
    """U-Net whose last decoder map is pooled and classified."""
    options = UNetOptions.model_validate(spec.options)
    body = UNetBody(rank=spec.rank, channels=spec.channels, width=options.width)
    stages = group_stages(body, *STAGES)
    return Classifier(spec, body, features=options.width, stages=stages, dropout=options.dropout)


UNET = Architecture(
    name="unet",
    title="U-Net with a classification head",
    source='Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015',
    ranks=(2, 3),
    build=build_unet,
    settings=UNetOptions,
    starts={"training.learning_rate": 1e-3},
    space=COMMON | {"network.width": Choice((16, 32, 64))},
)
