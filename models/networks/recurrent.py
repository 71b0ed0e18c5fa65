"""CNN features of each slice or visit, read in both directions by a recurrent network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from torch import Tensor, nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.classifier import Classifier
from models.networks.residual import STAGES, residual_body
from models.networks.space import COMMON, Choice, Float
from models.networks.stages import group_stages

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec


class RecurrentOptions(NetworkOptions):
    """Options of the recurrent network.

    Attributes:
        hidden: Channels of the recurrent network's state, in each direction.
        drop_path: Share of slices for which the encoder's last residual branch is left out in training.
    """

    hidden: int = Field(default=128, ge=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)


class RecurrentBody(nn.Module):
    """One ResNet-18 for all slices, then a gated recurrent unit over them.

    Args:
        channels: Input channels.
        shape: Rows and columns, in pixels.
        hidden: Channels of the state, in each direction.
        drop_path: Share of slices for which the encoder's last residual branch is left out in training.
    """

    def __init__(self, channels: int, shape: tuple[int, ...], *, hidden: int, drop_path: float) -> None:
        super().__init__()
        self.encoder = residual_body(channels, shape, depth=18, drop_path=drop_path)
        self.gru = nn.GRU(512, hidden, batch_first=True, bidirectional=True)

    def forward(self, series: Tensor) -> Tensor:
        """Shapes [image, channel, slice, row, column] and [image, 2 hidden, slice]."""
        slices = series.transpose(1, 2).flatten(0, 1)
        seen = self.encoder(slices).flatten(2).mean(dim=2)
        states: Tensor = self.gru(seen.reshape(-1, series.shape[2], seen.shape[1]))[0]
        return states.transpose(1, 2)


def build_recurrent(spec: NetworkSpec) -> Classifier:
    """CNN and GRU over the slices of a volume or the visits of a patient; its map has one place a slice.

    The explanation says which slices or visits speak for a class, not where in them.
    """
    options = RecurrentOptions.model_validate(spec.options)
    body = RecurrentBody(spec.channels, spec.shape[1:], hidden=options.hidden, drop_path=options.drop_path)
    stages = [*group_stages(body.encoder, *STAGES), body.gru]
    return Classifier(spec, body, features=2 * options.hidden, stages=stages, dropout=options.dropout)


RECURRENT = Architecture(
    name="recurrent",
    title="ResNet-18 features and a bidirectional GRU",
    source=(
        'Donahue et al., "Long-term recurrent convolutional networks", CVPR 2015; Cho et al., "Learning phrase '
        'representations using RNN encoder-decoder", EMNLP 2014'
    ),
    ranks=(3,),
    build=build_recurrent,
    settings=RecurrentOptions,
    starts={"training.learning_rate": 1e-3},
    space=COMMON | {"network.hidden": Choice((64, 128, 256)), "network.drop_path": Float(0.0, 0.3)},
    smallest=(1, 16, 16),
)
