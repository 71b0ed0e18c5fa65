from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.pretraining import simclr
from models.pretraining.settings import PretrainSettings
from models.pretraining.simclr import Pretraining, pretrain_body
from models.training.settings import LabelledSet
from sievert.errors import DivergedError, TrainingError

if TYPE_CHECKING:
    from torch import Tensor

SPEC = NetworkSpec(arch="hybrid", shape=(28, 28))


def _pictures(images: int = 32) -> LabelledSet:
    """Each a bright box at a place of its own."""
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 60, (images, 1, 28, 28), dtype=np.uint8)
    for picture, (row, column) in zip(pictures, draw.integers(2, 18, (images, 2)), strict=True):
        picture[0, row : row + 8, column : column + 8] += 150
    return LabelledSet(pictures, np.zeros(images, dtype=np.int64))


def _settings(**others: object) -> PretrainSettings:
    return PretrainSettings.model_validate({"threads": 1, "batch_size": 16, "epochs": 2, "projection": 8, **others})


def _pretrain(**others: object) -> dict[str, Tensor]:
    return pretrain_body(_pictures(), SPEC, _settings(**others), on_epoch=lambda _: None)[0]


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return _pretrain()


def test_same_seed_gives_the_same_body_bit_by_bit_and_another_another(weights: dict[str, Tensor]) -> None:
    assert _equal(weights, _pretrain())
    assert not _equal(weights, _pretrain(seed=1))


def test_interrupted_pretraining_ends_in_the_same_body(weights: dict[str, Tensor]) -> None:
    first = Pretraining(_pictures(), SPEC, _settings())
    first.run_epoch()
    kept = io.BytesIO()
    torch.save(first.state(), kept)
    kept.seek(0)
    second = Pretraining(_pictures(), SPEC, _settings())
    second.restore(torch.load(kept, weights_only=True))
    second.run_epoch()
    assert second.finished
    assert _equal(weights, second.body_weights())


def test_loss_falls_on_images_that_can_be_told_apart() -> None:
    settings = _settings(epochs=6, learning_rate=3e-3, crop=0.8)
    _, epochs = pretrain_body(_pictures(), SPEC, settings, on_epoch=lambda _: None)
    assert epochs[-1].training_loss < 0.9 * epochs[0].training_loss


def test_classifier_takes_every_tensor_of_the_body(weights: dict[str, Tensor]) -> None:
    found = build_network(SPEC).load_state_dict(weights, strict=False)
    assert not found.unexpected_keys
    assert [name for name in found.missing_keys if not name.startswith("head.")] == []


def test_one_image_alone_cannot_be_told_from_others() -> None:
    with pytest.raises(TrainingError, match="no two images"):
        Pretraining(_pictures(1), SPEC, _settings())


def test_loss_that_is_not_finite_names_epoch_and_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simclr, "compare_views", lambda projected, **_: projected.sum() * float("nan"))
    with pytest.raises(DivergedError, match="epoch 1, batch 1 of 2"):
        _pretrain()
