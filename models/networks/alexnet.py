"""The plain CNN of the zoo: AlexNet."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.blocks import CONVOLUTIONS, MAX_POOLS
from models.networks.classifier import Classifier
from models.networks.space import COMMON, Float
from models.networks.thumbnail import by_axis, pool_where_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.networks.spec import NetworkSpec

PLACES = {2: 6, 3: 3}
"""Places an axis that the head reads; in 3-D the cube that comes nearest to the paper's 36 places."""


class AlexNetOptions(NetworkOptions):
    """Options of AlexNet; its dropout comes before both hidden layers of the head.

    Attributes:
        dropout: Share of what a hidden layer reads that is dropped in training.
        hidden: Width of both hidden layers; 4096 in the paper, for a thousand classes. With 1024 the network has the
            50 MB of the plain CNN that screening papers compare with.
    """

    dropout: float = Field(default=0.5, ge=0, lt=1)
    hidden: int = Field(default=1024, ge=1)


class FullyConnected(nn.Sequential):
    """AlexNet's head: pooled to a fixed number of places, then layers that read them all.

    Args:
        places: Places an axis after pooling.
        layers: What reads them, flattened.
    """

    def __init__(self, *layers: nn.Module, places: int) -> None:
        super().__init__(*layers)
        self.places = places

    def forward(self, features: Tensor) -> Tensor:
        """Shape [image, channel, *place] to [image, class]."""
        pooled = pool_to_places(features, self.places).flatten(1)
        return cast("Tensor", super().forward(pooled))  # type: ignore[no-untyped-call] # torch leaves it untyped


def pool_to_places(features: Tensor, places: int) -> Tensor:
    """Adaptive average pooling, [image, channel, *place], to that many places an axis.

    It is torch's own, axis by axis: torch's can neither be exported in 3-D nor is its gradient reproducible on a GPU.
    """
    for axis in range(2, features.ndim):
        side = features.shape[axis]
        if side != places:
            windows = _average_windows(side, places).to(features)
            features = (features.movedim(axis, -1) @ windows).movedim(-1, axis)
    return features


def _average_windows(side: int, places: int) -> Tensor:
    """Shape [side, place]: what each place takes of each row; windows may overlap."""
    taken = torch.zeros(side, places)
    for place in range(places):
        start, end = place * side // places, -(-(place + 1) * side // places)
        taken[start:end, place] = 1 / (end - start)
    return taken


def build_alexnet(spec: NetworkSpec) -> Classifier:
    """AlexNet as torchvision draws it: one column, a map of 6 by 6 at 224 px.

    Along an axis shorter than 64 px the first convolution is 3 wide and 1 apart, not 11 and 4, and the last pooling
    is left out: 28 px give the paper's 6 places, and its head as it is.
    """
    options = AlexNetOptions.model_validate(spec.options)
    body = _make_body(spec.channels, spec.shape)
    stages = [layer for layer in body if isinstance(layer, nn.Conv2d | nn.Conv3d)]
    head = _make_head(spec, options)
    return Classifier(spec, body, features=256, stages=[*stages], dropout=options.dropout, head=head)


def _make_body(channels: int, shape: Sequence[int]) -> nn.Sequential:
    convolution, pool = CONVOLUTIONS[len(shape)], MAX_POOLS[len(shape)]
    width, stride = by_axis(shape, paper=11, thumbnail=3), by_axis(shape, paper=4, thumbnail=1)
    first = convolution(channels, 64, width, stride, padding=by_axis(shape, paper=2, thumbnail=1))
    layers = [first, nn.ReLU(inplace=True), pool(3, 2)]
    layers += [convolution(64, 192, 5, padding=2), nn.ReLU(inplace=True), pool(3, 2)]
    for before, after in ((192, 384), (384, 256), (256, 256)):
        layers += [convolution(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, pool_where_large(shape))


def _make_head(spec: NetworkSpec, options: AlexNetOptions) -> FullyConnected:
    places = PLACES[spec.rank]
    read = 256 * prod([places] * spec.rank)
    hidden = [nn.Dropout(options.dropout), nn.Linear(read, options.hidden), nn.ReLU(inplace=True)]
    hidden += [nn.Dropout(options.dropout), nn.Linear(options.hidden, options.hidden), nn.ReLU(inplace=True)]
    return FullyConnected(*hidden, nn.Linear(options.hidden, spec.classes), places=places)


ALEXNET = Architecture(
    name="cnn",
    title="AlexNet",
    source='Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014',
    ranks=(2, 3),
    build=build_alexnet,
    settings=AlexNetOptions,
    starts={"training.learning_rate": 3e-4},
    space=COMMON | {"training.learning_rate": Float(5e-5, 2e-3, log=True), "network.dropout": Float(0.2, 0.7)},
)
