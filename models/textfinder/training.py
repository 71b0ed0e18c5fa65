"""Trains the text finder; `models.textfinder.making` makes the shipped network with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from models.textfinder.finding import STRIDE
from models.textfinder.grounds import crop_ground, draw_ground
from models.textfinder.lettering import TRAINING_FACES
from models.textfinder.network import TextNetwork
from models.textfinder.planting import plant, plant_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

HEIGHTS = (8, 40)
"""Pixels of the letters that are trained on; larger ones are seen at half the size."""

_CLEAN = 0.2
"""Share of training pictures without text."""

_DRAWN = 0.4
"""Share of training pictures on a drawn background."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the text finder is trained.

    Attributes:
        steps: Of the optimiser.
        batch: Pictures a step.
        side: Rows and columns of a training picture.
        rate: Highest learning rate of the one cycle.
        believed_from: Step from which unplanted text that the network itself is sure of is left out of the loss: real
            backgrounds hold letters that nobody has marked.
        seed: Of all chance.
    """

    steps: int = 4000
    batch: int = 16
    side: int = 256
    rate: float = 4e-3
    believed_from: int = 800
    seed: int = 0


def train(
    grounds: Sequence[NDArray[np.float32]], terms: Terms, *, told: Callable[[int, float], None] = lambda *_: None
) -> TextNetwork:
    """Train from nothing.

    Args:
        grounds: Real backgrounds, shape [row, column], 0 to 1.
        terms: How.
        told: Called after each step with its number and loss.
    """
    torch.manual_seed(terms.seed)
    random, network = np.random.default_rng(terms.seed), TextNetwork().train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=terms.rate, weight_decay=1e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, terms.rate, total_steps=terms.steps)
    for step in range(terms.steps):
        pictures, wanted = draw_batch(grounds, terms, random)
        loss = _loss(network(pictures), wanted, believed=step >= terms.believed_from)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        cycle.step()
        told(step, float(loss.detach()))
    network.eval()
    return network


def draw_batch(
    grounds: Sequence[NDArray[np.float32]], terms: Terms, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures, shape [image, 1, row, column], and where text is, shape [image, 1, row / 4, column / 4]."""
    both = [_sample(grounds, terms, random) for _ in range(terms.batch)]
    pictures, wanted = (torch.from_numpy(np.stack(part)[:, None]) for part in zip(*both, strict=True))
    return pictures.to(memory_format=torch.channels_last), wanted


def _sample(
    grounds: Sequence[NDArray[np.float32]], terms: Terms, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    drawn = not grounds or random.random() < _DRAWN
    ground = (
        draw_ground(random, side=terms.side)
        if drawn
        else crop_ground(grounds[int(random.integers(len(grounds)))], random, side=terms.side)
    )
    plant_marks(ground, random, faces=TRAINING_FACES)
    lines = 0 if random.random() < _CLEAN else int(random.integers(1, 7))
    planted = plant(ground, random, faces=TRAINING_FACES, lines=lines, heights=HEIGHTS)
    where = np.zeros((terms.side // STRIDE, terms.side // STRIDE), np.float32)
    for box in planted.boxes:
        where[box.top // STRIDE : -(-box.bottom // STRIDE), box.left // STRIDE : -(-box.right // STRIDE)] = 1
    return planted.picture, where


def _loss(logits: Tensor, wanted: Tensor, *, believed: bool) -> Tensor:
    each = binary_cross_entropy_with_logits(logits, wanted, reduction="none", pos_weight=torch.tensor(2.0))
    if not believed:
        return each.mean()
    counted = ~((logits.detach() > _SURE) & (wanted == 0))
    return (each * counted).sum() / counted.sum()


_SURE = 3.0
"""Log odds: 95 %."""
