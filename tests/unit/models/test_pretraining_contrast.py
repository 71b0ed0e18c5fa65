from __future__ import annotations

import math

import pytest
import torch

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.pretraining.contrast import ContrastiveNetwork, compare_views


def _plain(projected: torch.Tensor, temperature: float) -> float:
    """Equation 1 of Chen et al. as it is printed, term by term."""
    views = [[float(x) for x in view] for view in projected]

    def likeness(i: int, j: int) -> float:
        norms = math.hypot(*views[i]) * math.hypot(*views[j])
        return sum(a * b for a, b in zip(views[i], views[j], strict=True)) / norms / temperature

    def loss(i: int, j: int) -> float:
        return -likeness(i, j) + math.log(sum(math.exp(likeness(i, k)) for k in range(len(views)) if k != i))

    half = len(views) // 2
    return sum(loss(i, i + half) + loss(i + half, i) for i in range(half)) / len(views)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_loss_is_that_of_the_paper(temperature: float) -> None:
    projected = torch.randn(10, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).float()
    assert compare_views(projected, temperature=temperature).item() == pytest.approx(
        _plain(projected, temperature), rel=1e-5
    )


def test_loss_stays_finite_at_the_lowest_temperatures() -> None:
    projected = torch.eye(4).repeat(2, 1)
    assert compare_views(projected, temperature=0.001).item() == pytest.approx(0, abs=1e-6)


def test_views_that_say_nothing_cost_the_logarithm_of_the_choices() -> None:
    assert compare_views(torch.ones(8, 3), temperature=0.2).item() == pytest.approx(math.log(7))


def test_body_keeps_the_names_that_the_classifier_gives_it() -> None:
    classifier = build_network(NetworkSpec(arch="hybrid", shape=(28, 28)))
    names = set(ContrastiveNetwork(classifier, 8).body_weights())
    assert names == {name for name in classifier.state_dict() if name.startswith("body.")}
