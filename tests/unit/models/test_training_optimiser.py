from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch.nn import functional

from models.networks.registry import ARCHITECTURES, build_network
from models.networks.spec import NetworkSpec
from models.training.optimiser import (
    freeze_stages,
    keep_frozen_still,
    make_average,
    make_loss,
    make_optimiser,
    make_schedule,
    weigh_classes,
)
from sievert.errors import NetworkInputError
from tests.unit.models.training_samples import settings, spec, weights_of

COUNTS = torch.tensor([30.0, 10.0])


def _batch(images: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    shares = torch.rand(images, 2, generator=draw)
    return torch.randn(images, 2, generator=draw) * 3, shares / shares.sum(1, keepdim=True)


def test_rates_fall_with_the_distance_from_the_head_and_norms_do_not_decay() -> None:
    network = build_network(spec())
    groups = make_optimiser(network, settings(layer_decay=0.5, learning_rate=0.1, weight_decay=0.3)).param_groups
    assert sorted({group["lr"] for group in groups}, reverse=True) == pytest.approx([0.1, 0.05, 0.025, 0.0125, 0.00625])
    rate = {id(one): group["lr"] for group in groups for one in group["params"]}
    assert rate[id(network.head.weight)] == 0.1
    assert [rate[id(next(stage.parameters()))] for stage in network.stages] == pytest.approx(
        [0.00625, 0.0125, 0.025, 0.05]
    )
    for group in groups:
        assert {one.ndim > 1 for one in group["params"]} == {group["weight_decay"] == 0.3}


def test_every_parameter_is_in_one_group_and_frozen_ones_in_none() -> None:
    network = build_network(spec())
    freeze_stages(network, 2)
    held = [one for group in make_optimiser(network, settings()).param_groups for one in group["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {one for one in network.parameters() if one.requires_grad}
    assert 0 < len(held) < len(list(network.parameters()))


def test_more_stages_than_there_are_cannot_be_frozen() -> None:
    with pytest.raises(NetworkInputError, match="hybrid has 4 stages; 5 cannot be frozen"):
        freeze_stages(build_network(spec()), 5)


@pytest.mark.parametrize("arch", ["cnn", "resnet18", "unet", "vit", "recurrent", "efficientnet-b0"])
def test_first_stage_of_each_network_frozen_keeps_all_its_statistics(arch: str) -> None:
    """Also those of norms that stand in no stage."""
    shape = (16, 32, 32) if 2 not in ARCHITECTURES[arch].ranks else (32, 32)
    network = build_network(NetworkSpec(arch=arch, shape=shape))
    freeze_stages(network, len(network.stages))
    before = weights_of(network.body)
    network.train()
    keep_frozen_still(network)
    network(torch.randn(4, 1, *shape))
    assert weights_of(network.body) == before


def _rates(steps: int, **others: Any) -> list[list[float]]:  # noqa: ANN401 - any setting
    """Rate of each group, a step."""
    chosen = settings(learning_rate=1.0, **others)
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [one], "lr": rate} for one, rate in zip(parameters, (1.0, 1e-5), strict=True)]
    optimiser = torch.optim.AdamW(groups)
    schedule = make_schedule(optimiser, chosen, steps=steps)
    rates = []
    for _ in range(steps):
        rates.append([group["lr"] for group in optimiser.param_groups])
        optimiser.step()
        schedule.step()
    return rates


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_rate_rises_to_its_peak_and_ends_near_zero_in_every_group(schedule: str) -> None:
    rates = _rates(100, schedule=schedule, warm_up=0.2)
    for group, peak in enumerate((1.0, 1e-5)):
        course = [rate[group] for rate in rates]
        top = course.index(max(course))
        assert top in {19, 20}
        assert course[top] == pytest.approx(peak, rel=1e-3)
        assert all(one < other for one, other in pairwise(course[: top + 1]))
        assert all(one > other for one, other in pairwise(course[top:]))
        assert course[-1] < 2e-3 * peak


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 50])
@pytest.mark.parametrize("warm_up", [0.0, 0.2, 0.9])
def test_any_number_of_steps_has_rates(schedule: str, steps: int, warm_up: float) -> None:
    rates = _rates(steps, schedule=schedule, warm_up=warm_up)
    assert all(0 < rate[0] <= 1 for rate in rates)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighting", [0.0, 1.0])
def test_focal_loss_with_gamma_zero_is_cross_entropy(smoothing: float, weighting: float) -> None:
    told = {"label_smoothing": smoothing, "class_weighting": weighting}
    focal = make_loss(settings(loss="focal", focal_gamma=0.0, **told), COUNTS)
    assert focal(*_batch()).item() == pytest.approx(make_loss(settings(**told), COUNTS)(*_batch()).item(), rel=1e-5)


def test_focal_loss_counts_easy_images_less() -> None:
    easy, hard = torch.tensor([[4.0, -4.0]]), torch.tensor([[-4.0, 4.0]])
    truth = torch.tensor([[1.0, 0.0]])
    focal = make_loss(settings(loss="focal", label_smoothing=0.0), COUNTS)
    entropy = make_loss(settings(label_smoothing=0.0), COUNTS)
    assert focal(easy, truth) / entropy(easy, truth) < 1e-3
    assert focal(hard, truth) / entropy(hard, truth) > 0.9


@pytest.mark.parametrize(("power", "expected"), [(0.0, [1.0, 1.0]), (1.0, [2 / 3, 2.0])])
def test_class_weights_count_classes_by_how_rare_they_are(power: float, expected: list[float]) -> None:
    weights = weigh_classes(COUNTS, power=power)
    assert weights.tolist() == pytest.approx(expected)
    assert (weights * COUNTS).sum() / COUNTS.sum() == pytest.approx(1)


def test_class_that_no_image_shows_does_not_break_the_weights() -> None:
    assert torch.isfinite(weigh_classes(torch.tensor([4.0, 0.0, 4.0]), power=1.0)).all()


def test_loss_uses_the_class_weights() -> None:
    logits, truth = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 1.0]])
    weighted = make_loss(settings(class_weighting=1.0, label_smoothing=0.0), COUNTS)
    assert weighted(logits, truth) == pytest.approx(2 * functional.cross_entropy(logits, truth).item())


def test_average_forgets_its_first_steps_and_then_keeps_the_decay() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    average = make_average(layer, 0.9)
    expected = 0.0
    for step in range(200):
        layer.weight.data.fill_(step)
        average.update_parameters(layer)
        # PyTorch copies the first one; the share is asked for with the number of steps before
        share = 0.0 if step == 0 else min(0.9, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * step
    assert next(average.parameters()).item() == pytest.approx(expected, rel=1e-4)


def test_without_decay_the_average_is_the_network_itself() -> None:
    network = build_network(spec())
    average = make_average(network, 0.0)
    network.train()
    network(torch.randn(4, 1, 28, 28))
    average.update_parameters(network)
    average.update_parameters(network)
    assert weights_of(average.module) == weights_of(network)
