"""EfficientNet-B0, from MONAI."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.classifier import Classifier
from models.networks.space import COMMON, Float
from models.networks.stages import group_stages
from models.networks.thumbnail import by_axis

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec

FEATURES = 1280
"""Channels of the last map."""

BLOCKS = (
    "r1_k3_s11_e1_i32_o16_se0.25",
    "r2_k3_s22_e6_i16_o24_se0.25",
    "r2_k5_s22_e6_i24_o40_se0.25",
    "r3_k3_s22_e6_i40_o80_se0.25",
    "r3_k5_s11_e6_i80_o112_se0.25",
    "r4_k5_s22_e6_i112_o192_se0.25",
    "r1_k3_s11_e6_i192_o320_se0.25",
)
"""Repeats, kernel, strides, expansion, channels in and out, and squeeze of each stack. Source: the paper's table 1."""

STAGES = (
    ("_conv_stem", "_bn0", "_blocks.0"),
    ("_blocks.1",),
    ("_blocks.2",),
    ("_blocks.3", "_blocks.4"),
    ("_blocks.5", "_blocks.6", "_conv_head", "_bn1"),
)
"""Parts of one side, but for the first."""


class EfficientNetOptions(NetworkOptions):
    """Options of EfficientNet.

    Attributes:
        drop_path: Share of images for which the last residual branch is left out in training.
    """

    drop_path: float = Field(default=0.2, ge=0, lt=1)


class SamePadding(nn.Module):
    """Pads so that a convolution gives the side divided by its stride, rounded up, as TensorFlow does.

    MONAI works its padding out for one square size; this fits any shape.
    """

    def __init__(self, convolution: nn.Conv2d | nn.Conv3d) -> None:
        super().__init__()
        self.width, self.stride = convolution.kernel_size, convolution.stride

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, *place] in and out."""
        padding: list[int] = []
        for side, width, stride in zip(features.shape[2:], self.width, self.stride, strict=True):
            total = max((-(-side // stride) - 1) * stride + width - side, 0)
            padding = [total // 2, total - total // 2, *padding]  # torch takes the last axis first
        return functional.pad(features, padding)


def build_efficientnet(spec: NetworkSpec) -> Classifier:
    """EfficientNet-B0 with the paper's strides: a map of 1/32 of the side.

    Along an axis shorter than 64 px the stem has stride 1: 1/16 of the side.
    """
    options = EfficientNetOptions.model_validate(spec.options)
    body = _make_body(spec, drop_path=options.drop_path)
    return Classifier(spec, body, features=FEATURES, stages=group_stages(body, *STAGES), dropout=options.dropout)


def _make_body(spec: NetworkSpec, *, drop_path: float) -> nn.Sequential:
    from monai.networks.nets.efficientnet import EfficientNet

    # MONAI keeps TensorFlow's momentum of 0.01, whose averages lag behind for hundreds of steps on small sets.
    norm = ("batch", {"eps": 1e-3, "momentum": 0.1})
    network = EfficientNet([*BLOCKS], spec.rank, spec.channels, drop_connect_rate=drop_path, norm=norm)
    network.get_submodule("_conv_stem").stride = by_axis(spec.shape, paper=2, thumbnail=1)
    _refit(network)
    names = ("_conv_stem_padding", "_conv_stem", "_bn0", "_blocks", "_conv_head", "_bn1")
    layers = [(name, network.get_submodule(name)) for name in names]
    return nn.Sequential(OrderedDict([*layers[:3], ("_act0", nn.SiLU()), *layers[3:], ("_act1", nn.SiLU())]))


def _refit(network: nn.Module) -> None:
    """Padding for any shape, and the plain swish: the one that saves memory cannot be exported."""
    for module in [*network.modules()]:
        children = dict(module.named_children())
        for name, child in children.items():
            if name == "_swish":
                setattr(module, name, nn.SiLU())
            elif isinstance(child, nn.Conv2d | nn.Conv3d) and f"{name}_padding" in children:
                setattr(module, f"{name}_padding", SamePadding(child))


EFFICIENTNET = Architecture(
    name="efficientnet-b0",
    title="EfficientNet-B0",
    source='Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019',
    ranks=(2, 3),
    build=build_efficientnet,
    settings=EfficientNetOptions,
    starts={"training.learning_rate": 2e-3},
    space=COMMON | {"network.drop_path": Float(0.0, 0.3)},
)
