from __future__ import annotations

import numpy as np
import pytest
import torch

from models.gradcam import analytic_gradcam
from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from sievert.errors import ModelError


@pytest.mark.parametrize("target", [0, 1])
def test_equals_gradcam_by_autograd_on_the_same_network(target: int) -> None:
    torch.manual_seed(3)
    network = build_network(NetworkSpec(arch="hybrid", shape=(28, 28))).eval()
    logits, features = network(torch.randn(1, 1, 28, 28))
    (gradient,) = torch.autograd.grad(logits[0, target], features)
    evidence = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1))[0]
    expected = (evidence / evidence.max()).detach().numpy()
    found = analytic_gradcam(features[0].detach().numpy(), network.state_dict()["head.weight"].numpy(), target=target)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-5)
    assert expected.max() == 1


def test_map_is_all_zeros_where_nothing_speaks_for_the_class() -> None:
    features, head = np.ones((2, 3, 3), np.float32), np.array([[-1, -2]], np.float32)
    assert not analytic_gradcam(features, head, target=0).any()


def test_peak_is_where_the_weighted_channels_are_strongest() -> None:
    features = np.zeros((2, 3, 3), np.float32)
    features[0, 0, 0], features[1, 2, 1] = 5, 2
    found = analytic_gradcam(features, np.array([[1, 0], [0.1, 4]], np.float32), target=1)
    assert found[2, 1] == 1
    assert found[0, 0] == pytest.approx(0.5 / 8)


@pytest.mark.parametrize(("shape", "target"), [((3, 3), 0), ((4, 3, 3), 0), ((2, 3, 3), 2), ((2, 3, 3), -1)])
def test_features_that_do_not_fit_the_head_are_refused(shape: tuple[int, ...], target: int) -> None:
    with pytest.raises(ModelError):
        analytic_gradcam(np.ones(shape, np.float32), np.ones((2, 2), np.float32), target=target)
