from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.training.export import export_weights
from models.training.loop import fit_network
from models.training.settings import LabelledSet, TrainingSettings

if TYPE_CHECKING:
    from models.training.settings import Epoch


def _pictures(images: int, *, seed: int) -> LabelledSet:
    draw = np.random.default_rng(seed)
    labels = np.arange(images, dtype=np.int64) % 2
    pictures = draw.integers(60, 120, (images, 28, 28), dtype=np.uint8)
    pictures[labels == 1, 8:20, 8:20] += 90
    return LabelledSet(pictures, labels)


def _fit(*, seed: int = 0, epochs: int = 2) -> tuple[bytes, list[Epoch]]:
    settings = TrainingSettings(seed=seed, epochs=epochs, batch_size=16, threads=1)
    told: list[Epoch] = []
    network, epochs_seen = fit_network(
        _pictures(64, seed=1), _pictures(32, seed=2), settings, classes=2, on_epoch=told.append
    )
    assert told == epochs_seen
    return export_weights(network), epochs_seen


def test_same_seed_gives_the_same_weights_bit_by_bit() -> None:
    weights, epochs = _fit(seed=7)
    again, epochs_again = _fit(seed=7)
    assert weights == again
    assert epochs == epochs_again


def test_another_seed_gives_other_weights() -> None:
    assert _fit(seed=7)[0] != _fit(seed=8)[0]


def test_training_learns_what_can_be_seen_and_keeps_its_best_epoch() -> None:
    _, epochs = _fit(epochs=8)
    assert epochs[-1].training_loss < 0.8 * epochs[0].training_loss
    lowest = min(epochs, key=lambda epoch: epoch.validation_loss)
    assert max((epoch for epoch in epochs if epoch.best), key=lambda epoch: epoch.number) == lowest


@pytest.mark.parametrize("name", ["label_smoothing", "ema_decay"])
def test_shares_of_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        TrainingSettings.model_validate({name: 1.0})
