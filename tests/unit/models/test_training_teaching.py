from __future__ import annotations

import pytest
import torch

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.training.teaching import Teachers, check_teacher
from sievert.errors import NetworkInputError
from tests.unit.models.training_samples import spec

SPEC = spec()
CPU = torch.device("cpu")


def _targets() -> torch.Tensor:
    return torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])


def _images() -> torch.Tensor:
    return torch.randn(3, 1, *SPEC.shape, generator=torch.Generator().manual_seed(0))


def test_without_teachers_targets_stay_as_they_are() -> None:
    targets = _targets()
    assert Teachers([], share=0.7, device=CPU).soften(_images(), targets) is targets


def test_targets_move_to_the_teachers_mean_by_the_share() -> None:
    teachers = [build_network(SPEC).eval() for _ in range(2)]
    softened = Teachers(teachers, share=0.25, device=CPU).soften(_images(), _targets())
    with torch.no_grad():
        told = torch.stack([teacher(_images())[0].softmax(1) for teacher in teachers]).mean(0)
    assert torch.allclose(softened, 0.75 * _targets() + 0.25 * told, atol=1e-6)
    assert torch.allclose(softened.sum(1), torch.ones(3))
    assert not softened.requires_grad


@pytest.mark.parametrize("change", [{"classes": 3}, {"channels": 3}, {"shape": (32, 32)}])
def test_teacher_of_another_kind_is_refused_with_what_differs(change: dict[str, object]) -> None:
    other = NetworkSpec.model_validate(SPEC.model_dump() | change)
    with pytest.raises(NetworkInputError, match=next(iter(change))):
        check_teacher(other, SPEC)
    check_teacher(SPEC, SPEC)
