from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.networks.views import AveragedViews, Views, looking
from models.predictor import INPUT
from models.training.export import export_onnx

if TYPE_CHECKING:
    from models.networks.classifier import Classifier

OPTIONS: dict[str, tuple[int, ...]] = {"widths": (8, 8, 16, 16), "depths": (1, 1)}


def _network(views: Views) -> Classifier:
    torch.manual_seed(3)
    spec = NetworkSpec(arch="hybrid", shape=(28, 28), options=dict(OPTIONS), views=views)
    return build_network(spec).eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(1))


def test_plain_network_is_left_as_it_is() -> None:
    network = _network("plain")
    assert looking(network) is network


@torch.no_grad()
def test_mirrored_views_say_the_same_of_an_image_and_of_its_mirror_image(image: torch.Tensor) -> None:
    look = looking(_network("mirrored"))
    logits, features = look(image)
    mirrored, mirrored_features = look(image.flip(-1))
    assert torch.allclose(logits, mirrored, atol=1e-5)
    assert torch.allclose(features, mirrored_features.flip(-1), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("views", "looks"), [("mirrored", 2), ("shifted", 5), ("both", 10)])
def test_logits_are_the_mean_over_all_views_and_fit_the_averaged_map(
    image: torch.Tensor, views: Views, looks: int
) -> None:
    network = _network(views)
    look = looking(network)
    assert isinstance(look, AveragedViews)
    assert len(look.moves) * (2 if look.mirrors else 1) == looks
    logits, features = look(image)
    assert torch.allclose(logits, network.head(features.mean(dim=(2, 3))), atol=1e-5)


def test_shift_moves_by_one_pixel_and_repeats_the_edge() -> None:
    look = AveragedViews(_network("shifted"), "shifted")
    seen: list[torch.Tensor] = []
    look.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    image = torch.arange(28.0 * 28).reshape(1, 1, 28, 28)
    with torch.no_grad():
        look(image)
    right = seen[0][1, 0]
    assert torch.equal(right[:, 1:], image[0, 0, :, :-1])
    assert torch.equal(right[:, 0], image[0, 0, :, 0])


def test_views_export_and_agree_with_onnx_runtime(image: torch.Tensor) -> None:
    look = looking(_network("both"))
    session = onnxruntime.InferenceSession(export_onnx(look, channels=1, shape=(28, 28)))
    found = session.run(None, {INPUT: image.numpy()})
    with torch.no_grad():
        expected = look(image)
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other.numpy(), atol=1e-4)
