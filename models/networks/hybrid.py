"""Our own network: inverted residuals below, attention on top of a small map."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from math import ceil, prod
from typing import TYPE_CHECKING, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.blocks import Attention, InvertedResidual, convolve
from models.networks.classifier import Classifier
from models.networks.drop_path import drop_paths
from models.networks.space import COMMON, Float
from models.networks.stages import group_stages

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec

MOST_PLACES = 512
"""Attention costs the square of the places of its map; the image is halved until it has no more."""

STAGES = (("stem",), ("fine",), ("halve", "coarse"), ("attention", "last"))
"""From the input up."""


class HybridOptions(NetworkOptions):
    """Options of the hybrid.

    Attributes:
        drop_path: Share of images for which the last residual branch is left out in training.
        widths: Channels of the stem, of the two stages and of the last map.
        depths: Blocks in each stage; the second has one more, which halves the side.
        heads: Of the attention; divides the second stage's channels.
        attention: Whether there is any.
        squeeze: Whether the blocks weigh their channels by squeeze-and-excitation.
    """

    drop_path: float = Field(default=0.0, ge=0, lt=1)
    widths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (24, 48, 96, 128)
    depths: tuple[NonNegativeInt, NonNegativeInt] = (2, 2)
    heads: PositiveInt = 4
    attention: bool = True
    squeeze: bool = True

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.widths[2] % self.heads:
            raise ValueError(f"{self.heads} heads do not divide {self.widths[2]} channels")
        return self


def build_hybrid(spec: NetworkSpec) -> Classifier:
    """The hybrid: a map of 1/4 of the side at 28 px, of 1/16 at 224 px."""
    options = HybridOptions.model_validate(spec.options)
    body = _make_body(spec, options)
    blocks = [block for block in body.modules() if isinstance(block, InvertedResidual) and block.adds]
    attention = [block.merge for block in body.modules() if isinstance(block, Attention)]
    drop_paths([block.body for block in blocks] + attention, share=options.drop_path)
    features, stages = options.widths[-1], group_stages(body, *STAGES)
    return Classifier(spec, body, features=features, stages=stages, dropout=options.dropout)


def _make_body(spec: NetworkSpec, options: HybridOptions) -> nn.Sequential:
    (_, fine, coarse, last), rank = options.widths, spec.rank
    block = partial(InvertedResidual, rank=rank, squeeze=options.squeeze)
    return nn.Sequential(
        OrderedDict(
            stem=_make_stem(spec, options),
            fine=nn.Sequential(*[block(fine, fine, stride=1) for _ in range(options.depths[0])]),
            halve=block(fine, coarse, stride=2),
            coarse=nn.Sequential(*[block(coarse, coarse, stride=1) for _ in range(options.depths[1])]),
            attention=Attention(coarse, rank=rank, heads=options.heads) if options.attention else nn.Identity(),
            last=nn.Sequential(*convolve(coarse, last, rank=rank, side=1), nn.ReLU()),
        )
    )


def _make_stem(spec: NetworkSpec, options: HybridOptions) -> nn.Sequential:
    # On thumbnails there is only one layer at full side: widening there would cost more than all the rest.
    (stem, fine, *_), rank = options.widths, spec.rank
    more = _count_halvings(spec.shape) - 2
    first = convolve(spec.channels, stem, rank=rank, stride=2 if more else 1)
    second = convolve(stem, fine, rank=rank, stride=2)
    rest = [InvertedResidual(fine, fine, rank=rank, stride=2, squeeze=options.squeeze) for _ in range(more - 1)]
    return nn.Sequential(*first, nn.ReLU(inplace=True), *second, nn.ReLU(inplace=True), *rest)


def _count_halvings(shape: tuple[int, ...]) -> int:
    """At least two: the stem's and the second stage's."""
    halvings = 2
    while prod(ceil(side / 2**halvings) for side in shape) > MOST_PLACES:
        halvings += 1
    return halvings


HYBRID = Architecture(
    name="hybrid",
    title="Sievert hybrid (inverted residuals and attention)",
    source="this project; blocks of Howard et al., ICCV 2019, and Vaswani et al., 2017",
    ranks=(2, 3),
    build=build_hybrid,
    settings=HybridOptions,
    space=COMMON | {"network.drop_path": Float(0.0, 0.3)},
)
