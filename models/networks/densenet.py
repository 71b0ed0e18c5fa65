"""DenseNet-121, from MONAI."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pydantic import Field
from torch import nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.classifier import Classifier
from models.networks.space import COMMON, Float
from models.networks.stages import group_stages
from models.networks.thumbnail import THUMBNAIL_PX, pool_where_large

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec

FEATURES = 1024
"""Channels of the last map."""

STAGES = (
    ("conv0", "norm0"),
    ("denseblock1", "transition1"),
    ("denseblock2", "transition2"),
    ("denseblock3", "transition3"),
    ("denseblock4", "norm5"),
)
"""The stem, and each dense block with the transition or norm behind it."""


class DenseNetOptions(NetworkOptions):
    """Options of DenseNet.

    Attributes:
        layer_dropout: Share of channels dropped in training behind each layer of a dense block; the paper takes
            0.2 for data without augmentation.
    """

    layer_dropout: float = Field(default=0.0, ge=0, lt=1)


def build_densenet(spec: NetworkSpec) -> Classifier:
    """DenseNet-121 with the paper's strides: a map of 1/32 of the side.

    Along an axis shorter than 64 px the stem's max pooling is left out, and where there is one, transitions round odd
    sides up, not down: 28 px give 2 places, not 1.
    """
    options = DenseNetOptions.model_validate(spec.options)
    body = _make_body(spec, layer_dropout=options.layer_dropout)
    return Classifier(spec, body, features=FEATURES, stages=group_stages(body, *STAGES), dropout=options.dropout)


def _make_body(spec: NetworkSpec, *, layer_dropout: float) -> nn.Sequential:
    from monai.networks.nets.densenet import DenseNet

    network = DenseNet(spec.rank, spec.channels, spec.classes, dropout_prob=layer_dropout)
    layers = OrderedDict(network.features.named_children())
    layers["pool0"] = pool_where_large(spec.shape, padding=1)
    for number in (1, 2, 3):
        network.get_submodule(f"features.transition{number}.pool").ceil_mode = min(spec.shape) < THUMBNAIL_PX
    layers["relu5"] = nn.ReLU(inplace=True)  # MONAI counts it to the head
    return nn.Sequential(layers)


DENSENET121 = Architecture(
    name="densenet121",
    title="DenseNet-121",
    source='Huang et al., "Densely connected convolutional networks", CVPR 2017',
    ranks=(2, 3),
    build=build_densenet,
    settings=DenseNetOptions,
    starts={"training.learning_rate": 1e-3},
    space=COMMON | {"network.layer_dropout": Float(0.0, 0.2)},
)
