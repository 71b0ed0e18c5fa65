from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from models.networks.classifier import Classifier
from models.training.loop import Training, fit_network
from models.training.settings import LabelledSet, TrainingSettings
from sievert.errors import DivergedError, MemoryExhaustedError, NetworkInputError
from tests.unit.models.training_samples import pictures, settings, spec, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.training.settings import Epoch

OUT_OF_MEMORY = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried ..."
TRICKS: tuple[dict[str, Any], ...] = (
    {},
    {"mixup": 0.4, "cutmix": 1.0, "schedule": "cosine", "loss": "focal", "accumulate": 2, "ema_decay": 0.9},
    {"keep": "last", "clip_norm": 0.5, "class_weighting": 1.0, "freeze": 1, "layer_decay": 0.5},
    {"ema_decay": 0.0, "augment": {"equalised_share": 0.5}, "precision": "bf16"},
)


def _training(validation: LabelledSet | None = None, **others: Any) -> Training:  # noqa: ANN401 - any setting
    return Training(pictures(), validation or pictures(8, seed=2), spec(), settings(**others))


def _finish(training: Training) -> tuple[dict[str, bytes], list[Epoch]]:
    while not training.finished:
        training.run_epoch()
    return weights_of(training.chosen()), training.epochs


def _through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


def test_same_seed_gives_the_same_weights_bit_by_bit_and_another_others() -> None:
    told: list[Epoch] = []
    network, epochs = fit_network(
        pictures(), pictures(8, seed=2), spec(), settings(seed=7, epochs=2), on_epoch=told.append
    )
    assert told == epochs
    assert not network.training
    assert _finish(_training(seed=7, epochs=2)) == (weights_of(network), epochs)
    assert _finish(_training(seed=8, epochs=2))[0] != weights_of(network)


@pytest.mark.parametrize("tricks", TRICKS, ids=["plain", "mixing", "freezing", "no average"])
def test_interrupted_after_any_epoch_it_ends_in_the_same_weights(tricks: dict[str, Any]) -> None:
    undisturbed = _finish(_training(**tricks))
    for done in (1, 2):
        first = _training(**tricks)
        for _ in range(done):
            first.run_epoch()
        second = _training(**tricks)
        torch.rand(done)  # chance that somebody else drew must not matter
        second.restore(_through_a_file(first.state()))
        assert len(second.epochs) == done
        assert _finish(second) == undisturbed


def test_network_learns_what_can_be_seen() -> None:
    _, epochs = _finish(_training(epochs=10, ema_decay=0.5, label_smoothing=0))
    assert epochs[-1].training_loss < 0.8 * epochs[0].training_loss
    assert max(epoch.validation_accuracy for epoch in epochs) > 0.8


def _scripted(monkeypatch: pytest.MonkeyPatch, losses: list[float], **others: Any) -> Training:  # noqa: ANN401 - any setting
    """A training whose validation says what it is told to."""
    training = _training(epochs=len(losses), **others)
    said = iter(losses)
    monkeypatch.setattr(training, "_validate", lambda: (next(said), 0.5))
    return training


def test_best_keeps_the_epoch_of_the_lowest_loss_and_last_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    for keep in ("best", "last"):
        training = _scripted(monkeypatch, [0.5, 0.3, 0.4], keep=keep)
        after = []
        while not training.finished:
            training.run_epoch()
            after.append(weights_of(training._average.module))
        assert [epoch.best for epoch in training.epochs] == [True, True, False]
        seen[keep] = after.index(weights_of(training.chosen()))
    assert seen == {"best": 1, "last": 2}


def test_patience_ends_after_so_many_epochs_without_a_better_one(monkeypatch: pytest.MonkeyPatch) -> None:
    training = _scripted(monkeypatch, [0.5, 0.6, 0.4, 0.4, 0.7, 0.1], patience=2)
    assert len(_finish(training)[1]) == 5


def _forward(change: Callable[[torch.Tensor, int], torch.Tensor]) -> Callable[..., Any]:
    """The networks' own forward pass, whose logits are changed; counts its calls in training."""
    plain = Classifier.forward
    calls: list[int] = []

    def forward(self: Classifier, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, features = plain(self, image)
        if self.training:
            calls.append(len(image))
            logits = change(logits, len(calls))
        return logits, features

    return forward


def test_loss_that_is_not_finite_names_epoch_and_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    training = _training()
    monkeypatch.setattr(
        Classifier, "forward", _forward(lambda logits, call: logits * (float("nan") if call == 4 else 1))
    )
    training.run_epoch()
    before = _through_a_file(training.state())
    with pytest.raises(DivergedError, match="epoch 2, batch 2 of 2") as caught:
        training.run_epoch()
    assert "--learning-rate" in caught.value.remedy
    assert len(before["epochs"]) == 1


def test_weights_that_went_to_infinity_in_the_last_step_are_not_kept() -> None:
    with pytest.raises(DivergedError, match="after epoch 1"):
        _training(batch_size=16, epochs=1, learning_rate=1e30, ema_decay=0.0).run_epoch()


def _limited(monkeypatch: pytest.MonkeyPatch, fits: int) -> tuple[Training, list[str], list[int]]:
    """A machine whose memory holds so many images at once."""
    plain = Classifier.forward
    said: list[str] = []
    seen: list[int] = []

    def forward(self: Classifier, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.training:
            seen.append(len(image))
            if len(image) > fits:
                raise RuntimeError(OUT_OF_MEMORY)
        return plain(self, image)

    monkeypatch.setattr(Classifier, "forward", forward)
    return Training(pictures(), pictures(8, seed=2), spec(), settings(), says=said.append), said, seen


def test_out_of_memory_halves_the_batch_once_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    training, said, seen = _limited(monkeypatch, fits=4)
    training.run_epoch()
    assert seen == [8, 4, 4, 4, 4]
    assert said == ["out of memory: each batch is computed in 2 parts from here on"]
    assert _through_a_file(training.state())["steps"]["parts"] == 2


def test_out_of_memory_with_halves_as_well_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    training, said, _ = _limited(monkeypatch, fits=2)
    with pytest.raises(MemoryExhaustedError, match="batch of 8 images, computed in 2 parts") as caught:
        training.run_epoch()
    assert len(said) == 1
    assert "--batch-size" in caught.value.remedy


def test_another_error_of_the_network_is_no_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    training = _training()
    monkeypatch.setattr(Classifier, "forward", lambda *_: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="inconsistent"):
        training.run_epoch()


def test_frozen_stages_keep_weights_and_statistics_to_the_bit() -> None:
    training = _training(freeze=2, epochs=1)
    network = training._network
    frozen = [name for name in weights_of(network) if name.startswith(("body.stem.", "body.fine."))]
    assert any("running_mean" in name for name in frozen)
    before = weights_of(network)
    training.run_epoch()
    after = weights_of(network)
    assert {name for name in before if before[name] == after[name]} >= set(frozen)
    assert all(before[name] != after[name] for name in before if name.endswith("weight") and name not in frozen)


def test_volumes_with_two_channels_train() -> None:
    shape = (16, 16, 16)
    train, validation = (pictures(8, seed=seed, shape=shape, channels=2) for seed in (1, 2))
    training = Training(train, validation, spec(shape, channels=2), settings(batch_size=4, cutmix=1.0, epochs=1))
    epoch = training.run_epoch()
    assert np.isfinite([epoch.training_loss, epoch.validation_loss]).all()


@pytest.mark.parametrize(("shape", "channels"), [((28, 28), 3), ((28, 32), 1), ((16, 28, 28), 1)])
def test_images_that_the_network_does_not_read_are_refused_before_any_step(
    shape: tuple[int, ...], channels: int
) -> None:
    with pytest.raises(NetworkInputError, match="the network reads 1 channels of 28 x 28 px"):
        Training(pictures(8, shape=shape, channels=channels), pictures(8), spec(), settings())


@pytest.mark.parametrize("name", ["label_smoothing", "ema_decay", "warm_up"])
def test_shares_of_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        TrainingSettings.model_validate({name: 1.0})
