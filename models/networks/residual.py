"""ResNet-18 and ResNet-50, from MONAI."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field
from torch import nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.classifier import Classifier
from models.networks.drop_path import drop_paths
from models.networks.space import COMMON, Float
from models.networks.stages import group_stages
from models.networks.thumbnail import pool_where_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.networks.spec import NetworkSpec

BLOCKS = {18: ("basic", (2, 2, 2, 2), 512), 50: ("bottleneck", (3, 4, 6, 3), 2048)}
"""Kind and number of blocks a stage, and channels of the last map, by depth. Source: He et al., table 1."""

STAGES = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
"""The stem and the paper's four stages."""


class ResNetOptions(NetworkOptions):
    """Options of a ResNet.

    Attributes:
        drop_path: Share of images for which the last residual branch is left out in training.
    """

    drop_path: float = Field(default=0.0, ge=0, lt=1)


def build_resnet(spec: NetworkSpec, *, depth: int) -> Classifier:
    """ResNet with the paper's strides: a map of 1/32 of the side.

    Along an axis shorter than 64 px the stem's max pooling is left out: 1/16 of the side.

    Args:
        spec: What is asked for.
        depth: Layers with weights, 18 or 50.
    """
    options = ResNetOptions.model_validate(spec.options)
    body = residual_body(spec.channels, spec.shape, depth=depth, drop_path=options.drop_path)
    features, stages = BLOCKS[depth][2], group_stages(body, *STAGES)
    return Classifier(spec, body, features=features, stages=stages, dropout=options.dropout)


def residual_body(channels: int, shape: Sequence[int], *, depth: int, drop_path: float = 0.0) -> nn.Sequential:
    """A ResNet up to its last map; tensors are called as in torchvision.

    Args:
        channels: Input channels.
        shape: Of the input, in pixels.
        depth: 18 or 50.
        drop_path: Share of images for which the last residual branch is left out in training.
    """
    from monai.networks.nets.resnet import ResNet, get_inplanes

    kind, blocks, _ = BLOCKS[depth]
    # MONAI's own defaults, stride 1 and biased shortcuts, are not the paper's.
    stem = {"spatial_dims": len(shape), "n_input_channels": channels, "conv1_t_stride": 2}
    network = ResNet(kind, [*blocks], get_inplanes(), feed_forward=False, bias_downsample=False, **stem)
    layers = OrderedDict(conv1=network.conv1, bn1=network.bn1, act=network.act)
    layers["maxpool"] = pool_where_large(shape, padding=1)
    layers |= {f"layer{number}": network.get_submodule(f"layer{number}") for number in range(1, 5)}
    body = nn.Sequential(layers)
    drop_paths(_last_norms(body), share=drop_path)
    return body


def _last_norms(body: nn.Sequential) -> list[nn.Module]:
    """What ends each residual branch, just before the shortcut is added."""
    blocks = [block for number in range(1, 5) for block in body.get_submodule(f"layer{number}").children()]
    return [block.get_submodule("bn3" if hasattr(block, "bn3") else "bn2") for block in blocks]


def _make_architecture(depth: int) -> Architecture:
    return Architecture(
        name=f"resnet{depth}",
        title=f"ResNet-{depth}",
        source='He et al., "Deep residual learning for image recognition", CVPR 2016',
        ranks=(2, 3),
        build=partial(build_resnet, depth=depth),
        settings=ResNetOptions,
        starts={"training.learning_rate": 1e-3},
        space=COMMON | {"network.drop_path": Float(0.0, 0.3)},
    )


RESNET18 = _make_architecture(18)
RESNET50 = _make_architecture(50)
