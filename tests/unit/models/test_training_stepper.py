from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from models.networks.classifier import Classifier
from models.training.stepper import Stepper, laid_out
from models.training.workers import Workers
from tests.unit.models.training_samples import settings, spec

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Source:
    counts = torch.tensor([8.0, 8.0])
    steps = 2

    def batches(self, epoch: int, draw: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        raise AssertionError((epoch, draw))


def _network() -> Classifier:
    """Without batch norm, so that parts of a batch do not see each other."""
    torch.manual_seed(3)
    body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    return Classifier(spec(), body, features=4, stages=[body], dropout=0.0)


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    shares = torch.rand(7, 2, generator=draw)
    return torch.randn(7, 1, 28, 28, generator=draw), shares / shares.sum(1, keepdim=True)


def _step(**others: Any) -> tuple[float, dict[str, torch.Tensor], Classifier]:  # noqa: ANN401 - any setting
    network = _network()
    stepper = Stepper(network, Workers(), settings(**others), _Source(), says=print)
    loss = stepper.step(*_batch())
    gradients = {name: one.grad.clone() for name, one in network.named_parameters() if one.grad is not None}
    return loss, gradients, network


@pytest.mark.parametrize("parts", [2, 3, 7, 20])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(parts: int) -> None:
    loss, gradients, _ = _step()
    split_loss, split, _ = _step(accumulate=parts)
    assert split_loss == pytest.approx(loss, rel=1e-5)
    assert gradients.keys() == split.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(split[name], gradient, rtol=1e-4, atol=1e-7), name


def test_gradient_is_clipped_to_the_norm() -> None:
    norm = torch.cat([one.flatten() for one in _step()[1].values()]).norm()
    clipped = torch.cat([one.flatten() for one in _step(clip_norm=norm.item() / 4)[1].values()]).norm()
    assert clipped.item() == pytest.approx(norm.item() / 4, rel=1e-3)


def test_loss_that_a_step_tells_is_the_one_before_it() -> None:
    images, targets = _batch()
    logits, _ = _network()(images)
    expected = nn.functional.cross_entropy(logits, targets, label_smoothing=0.05).item()
    assert _step()[0] == pytest.approx(expected, rel=1e-5)


def test_state_carries_moments_and_rate() -> None:
    _, _, network = _step()
    undisturbed = Stepper(_network(), Workers(), settings(), _Source(), says=print)
    undisturbed.step(*_batch())
    other = Stepper(network, Workers(), settings(), _Source(), says=print)
    other.restore(copy.deepcopy(undisturbed.state()))
    undisturbed.step(*_batch())
    other.step(*_batch())
    for one, same in zip(network.parameters(), undisturbed._network.parameters(), strict=True):
        assert torch.equal(one, same)


def test_pictures_lie_with_their_channels_last_and_volumes_stay() -> None:
    assert laid_out(torch.zeros(2, 3, 4, 4)).is_contiguous(memory_format=torch.channels_last)
    assert laid_out(torch.zeros(2, 3, 4, 4, 4)).is_contiguous()
