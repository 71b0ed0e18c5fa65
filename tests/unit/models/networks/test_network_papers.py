"""Networks are drawn on torch's `meta` device: shapes and counts as in earnest, without memory or arithmetic."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from models.networks.classifier import Classifier
from models.networks.registry import ARCHITECTURES, build_network
from models.networks.spec import NetworkSpec, Option

PLANE = [name for name, architecture in ARCHITECTURES.items() if 2 in architecture.ranks]
FLAT = [(28, 28), (33, 47), (64, 64), (129, 224)]


def _draw(
    arch: str,
    shape: tuple[int, ...],
    *,
    channels: int = 3,
    classes: int = 1000,
    options: dict[str, Option] | None = None,
) -> Classifier:
    spec = NetworkSpec(arch=arch, shape=shape, channels=channels, classes=classes, options=options or {})
    with torch.device("meta"):
        return build_network(spec)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _places(network: Classifier) -> tuple[int, ...]:
    shape = network.spec.shape
    _, features = network(torch.zeros(2, network.spec.channels, *shape, device="meta"))
    return tuple(features.shape[2:])


@pytest.mark.parametrize(
    ("arch", "options", "parameters"),
    [
        ("cnn", {"hidden": 4096}, 61_100_840),
        ("resnet18", {}, 11_689_512),
        ("resnet50", {}, 25_557_032),
        ("densenet121", {}, 7_978_856),
        ("efficientnet-b0", {}, 5_288_548),
    ],
)
def test_parameters_are_those_of_torchvision(arch: str, options: dict[str, Option], parameters: int) -> None:
    assert _count(_draw(arch, (224, 224), options=options)) == parameters


@pytest.mark.parametrize(
    ("size", "width", "parameters"), [("tiny", 192, 5_717_416), ("small", 384, 22_050_664), ("base", 768, 86_567_656)]
)
def test_vit_has_the_papers_parameters_but_for_the_class_token_and_its_place(
    size: str, width: int, parameters: int
) -> None:
    assert _count(_draw("vit", (224, 224), options={"size": size})) == parameters - 2 * width


def test_unet_of_width_64_has_the_papers_kernels() -> None:
    # Ronneberger et al., figure 1, left to right: two convolutions a level, then an up-convolution and two more.
    wide = [64, 128, 256, 512, 1024]
    down = 9 * (64 + 64 * 64) + sum(9 * (a * b + b * b) for a, b in pairwise(wide))
    up = sum(4 * b * a + 9 * (b * a + a * a) for a, b in pairwise(wide))
    body = _draw("unet", (224, 224), channels=1, options={"width": 64}).body
    assert sum(parameter.numel() for parameter in body.parameters() if parameter.ndim > 1) == down + up


@pytest.mark.parametrize(
    ("arch", "shape", "places"),
    [
        ("cnn", (224, 224), (6, 6)),
        ("cnn", (28, 28), (6, 6)),
        ("cnn", (28, 28, 28), (6, 6, 6)),
        ("resnet18", (224, 224), (7, 7)),
        ("resnet18", (28, 28), (2, 2)),
        ("resnet18", (16, 128, 128), (1, 4, 4)),
        ("resnet50", (224, 224), (7, 7)),
        ("densenet121", (224, 224), (7, 7)),
        ("densenet121", (28, 28), (2, 2)),
        ("efficientnet-b0", (224, 224), (7, 7)),
        ("efficientnet-b0", (28, 28), (2, 2)),
        ("efficientnet-b0", (65, 97), (3, 4)),
        ("unet", (224, 224), (224, 224)),
        ("unet", (28, 30), (28, 30)),
        ("unet", (28, 28, 28), (28, 28, 28)),
        ("vit", (224, 224), (14, 14)),
        ("vit", (28, 28), (7, 7)),
        ("vit", (28, 28, 28), (7, 7, 7)),
        ("recurrent", (5, 64, 64), (5,)),
        ("recurrent", (1, 28, 28), (1,)),
        ("hybrid", (28, 28), (7, 7)),
        ("hybrid", (224, 224), (14, 14)),
        ("hybrid", (64, 64, 64), (8, 8, 8)),
    ],
)
def test_map_has_the_side_that_the_strides_give(arch: str, shape: tuple[int, ...], places: tuple[int, ...]) -> None:
    assert _places(_draw(arch, shape, classes=2)) == places


@pytest.mark.parametrize("arch", PLANE)
def test_every_side_from_thumbnails_to_224_is_read(arch: str) -> None:
    for shape in FLAT:
        network = _draw(arch, shape, channels=1, classes=2)
        assert all(side >= 2 or (arch, shape) == ("cnn", (64, 64)) for side in _places(network)), shape


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_volume_of_any_channels_gives_logits_and_the_map_that_they_come_from(arch: str) -> None:
    network = _draw(arch, (16, 28, 28), channels=5, classes=7)
    logits, features = network(torch.zeros(3, 5, 16, 28, 28, device="meta"))
    assert logits.shape == (3, 7)
    assert len(features) == 3
    assert not network.linear or features.shape[1] == network.head.in_features


def test_only_the_cnn_keeps_a_head_of_its_own() -> None:
    kept = [arch for arch in ARCHITECTURES if not _draw(arch, (16, 28, 28)).linear]
    assert kept == ["cnn"]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_stages_hold_each_weight_of_the_body_once(arch: str) -> None:
    network = _draw(arch, (16, 28, 28))
    held = [parameter for stage in network.stages for parameter in stage.parameters()]
    assert 3 <= len(network.stages) <= 6
    assert len({id(parameter) for parameter in held}) == len(held)
    assert {id(parameter) for parameter in held} == {id(parameter) for parameter in network.body.parameters()}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_weight_takes_part_so_that_no_gradient_is_missing(arch: str) -> None:
    network = _draw(arch, (16, 28, 28), channels=1, classes=2)
    logits, _ = network(torch.zeros(2, 1, 16, 28, 28, device="meta"))
    logits.sum().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_state_is_named_after_body_and_head(arch: str) -> None:
    assert {name.partition(".")[0] for name in _draw(arch, (16, 28, 28)).state_dict()} == {"body", "head"}
