"""Tiny trainings: a few pictures that differ by a bright square, and the hybrid at its smallest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.spec import NetworkSpec
from models.training.settings import LabelledSet, TrainingSettings

if TYPE_CHECKING:
    from torch import nn

    from models.networks.spec import Option

TINY: dict[str, Option] = {"widths": (8, 8, 16, 16), "depths": (1, 1), "heads": 2}


def pictures(images: int = 16, *, seed: int = 1, shape: tuple[int, ...] = (28, 28), channels: int = 1) -> LabelledSet:
    """Every other one has a brighter middle."""
    draw = np.random.default_rng(seed)
    labels = np.arange(images, dtype=np.int64) % 2
    pixels = draw.integers(60, 120, (images, channels, *shape), dtype=np.uint8)
    middle = tuple(slice(side // 4, side - side // 4) for side in shape)
    pixels[(labels == 1, slice(None), *middle)] += 90
    return LabelledSet(pixels, labels)


def spec(shape: tuple[int, ...] = (28, 28), **others: Any) -> NetworkSpec:  # noqa: ANN401 - fields of the spec
    """The smallest hybrid."""
    return NetworkSpec(arch="hybrid", shape=shape, options=TINY, **others)


def settings(**others: Any) -> TrainingSettings:  # noqa: ANN401 - any setting
    """One thread, two steps an epoch."""
    return TrainingSettings.model_validate({"threads": 1, "epochs": 3, "batch_size": 8, **others})


def weights_of(network: nn.Module) -> dict[str, bytes]:
    """Every parameter and buffer, bit by bit."""
    return {name: one.detach().numpy().tobytes() for name, one in network.state_dict().items()}
