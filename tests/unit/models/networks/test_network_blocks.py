from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from models.networks.alexnet import pool_to_places
from models.networks.blocks import Attention, InvertedResidual, SqueezeExcite
from models.networks.drop_path import drop_paths
from models.networks.efficientnet import SamePadding
from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.networks.vit import ToMap


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_inverted_residual_divides_the_side_by_its_stride(rank: int, stride: int) -> None:
    block = InvertedResidual(8, 8, rank=rank, stride=stride).eval()
    assert block(torch.zeros(1, 8, *[6] * rank)).shape == (1, 8, *[6 // stride] * rank)


def test_squeeze_excite_gives_each_channel_one_factor_between_none_and_all() -> None:
    features = torch.rand(2, 8, 3, 4, 5) + 0.5
    factors = SqueezeExcite(8, rank=3)(features) / features
    assert factors.flatten(2).std(dim=2).max() < 1e-6
    assert factors.min() >= 0
    assert factors.max() <= 1


@pytest.mark.parametrize("places", [(4, 5), (2, 3, 4)])
def test_attention_sees_all_places_and_is_what_torch_computes(places: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    block = Attention(8, rank=len(places), heads=2).eval()
    features = torch.randn(2, 8, *places)
    query, key, value = block.project(block.norm(features)).flatten(2).chunk(3, dim=1)
    split = [part.unflatten(1, (2, 4)).transpose(-1, -2) for part in (query, key, value)]
    seen = nn.functional.scaled_dot_product_attention(*split).transpose(-1, -2).reshape(features.shape)
    expected = features + block.scale * block.merge(seen + block.place(value.reshape(features.shape)))
    assert torch.allclose(block(features), expected, atol=1e-6)


def test_tokens_go_back_to_where_their_patches_lay() -> None:
    tokens = torch.arange(6.0).reshape(1, 6, 1)
    assert ToMap((2, 3))(tokens)[0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("places", [(1, 6), (3, 15), (7, 2, 8)])
def test_pooling_to_places_is_torchs_adaptive_average(places: tuple[int, ...]) -> None:
    torch.manual_seed(6)
    features = torch.randn(2, 3, *places)
    pool = nn.AdaptiveAvgPool2d(6) if len(places) == 2 else nn.AdaptiveAvgPool3d(6)
    assert torch.allclose(pool_to_places(features, 6), pool(features), atol=1e-6)


@pytest.mark.parametrize("side", [5, 6, 7, 8])
@pytest.mark.parametrize(("width", "stride"), [(3, 1), (3, 2), (5, 2)])
def test_same_padding_gives_the_side_by_the_stride_rounded_up(side: int, width: int, stride: int) -> None:
    convolution = nn.Conv2d(1, 1, width, stride)
    padded = SamePadding(convolution)(torch.zeros(1, 1, side, side + 1))
    assert convolution(padded).shape[2:] == (-(-side // stride), -(-(side + 1) // stride))


def test_stochastic_depth_keeps_the_mean_and_leaves_out_later_branches_more_often() -> None:
    torch.manual_seed(5)
    first, second = nn.Identity(), nn.Identity()
    drop_paths([first, second], share=0.5)
    ones = torch.ones(4000, 1, 2, 2)
    kept = [float((branch(ones)[:, 0, 0, 0] > 0).float().mean()) for branch in (first, second)]
    assert kept == pytest.approx([0.75, 0.5], abs=0.03)
    assert second(ones).mean().item() == pytest.approx(1, abs=0.05)
    assert second(ones).flatten(1).std(dim=1).max() == 0  # an image's branch goes as a whole
    assert second.eval()(ones).equal(ones)


@pytest.mark.parametrize("arch", ["resnet18", "vit", "hybrid"])
def test_stochastic_depth_acts_in_training_alone_and_changes_no_name(arch: str) -> None:
    spec = NetworkSpec(arch=arch, shape=(16, 16), options={"drop_path": 0.9, "dropout": 0.0})
    torch.manual_seed(2)
    network = build_network(spec).eval()
    images = torch.randn(4, 1, 16, 16)
    assert network(images)[0].equal(network(images)[0])
    for module in network.modules():
        module.training = not isinstance(module, nn.BatchNorm2d) or arch == "resnet18"
    assert not network(images)[0].equal(network(images)[0])
    plain = build_network(spec.model_copy(update={"options": {"drop_path": 0.0}}))
    assert list(plain.state_dict()) == list(network.state_dict())


def test_copies_keep_their_stages_and_their_stochastic_depth() -> None:
    spec = NetworkSpec(arch="hybrid", shape=(16, 16), options={"widths": (4, 4, 8, 8), "drop_path": 0.5})
    network = build_network(spec)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):  # noqa: S301 - our own bytes, as workers get them
        own = {id(parameter) for parameter in twin.body.parameters()}
        assert {id(parameter) for stage in twin.stages for parameter in stage.parameters()} == own
        assert any(module._forward_hooks for module in twin.modules())


@pytest.mark.parametrize(("option", "part"), [("attention", Attention), ("squeeze", SqueezeExcite)])
def test_a_part_of_the_hybrid_can_be_left_out_and_nothing_else_changes(option: str, part: type[nn.Module]) -> None:
    whole = build_network(NetworkSpec(arch="hybrid", shape=(28, 28)))
    network = build_network(NetworkSpec(arch="hybrid", shape=(28, 28), options={option: False})).eval()
    assert not [module for module in network.modules() if isinstance(module, part)]
    parts = [module for module in whole.modules() if isinstance(module, part)]
    left = sum(parameter.numel() for module in parts for parameter in module.parameters())
    count = sum(parameter.numel() for parameter in network.parameters())
    assert left > 0
    assert count + left == sum(parameter.numel() for parameter in whole.parameters())
    assert network(torch.zeros(1, 1, 28, 28))[1].shape == whole.eval()(torch.zeros(1, 1, 28, 28))[1].shape
