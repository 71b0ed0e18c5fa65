from __future__ import annotations

import pytest
import torch

from models.networks.registry import ARCHITECTURES, build_network, find_architecture
from models.networks.space import Choice, Float, Int
from models.networks.spec import NetworkSpec, Option
from sievert.errors import NetworkInputError, UnknownArchitectureError

TINY = {"widths": (4, 4, 8, 8), "depths": (1, 1)}


def _hybrid(**options: Option) -> NetworkSpec:
    return NetworkSpec(arch="hybrid", shape=(28, 28), options={**TINY, **options})


def test_zoo_holds_what_the_tables_compare() -> None:
    assert list(ARCHITECTURES) == [
        *("cnn", "resnet18", "resnet50", "densenet121", "efficientnet-b0", "unet", "vit", "recurrent", "hybrid")
    ]
    assert all(find_architecture(name).name == name for name in ARCHITECTURES)


@pytest.mark.parametrize(("name", "near"), [("resnet-50", "resnet50"), ("ViT", "vit"), ("efficientnet", "net-b0")])
def test_unknown_architecture_lists_near_names(name: str, near: str) -> None:
    with pytest.raises(UnknownArchitectureError, match=near) as refused:
        find_architecture(name)
    assert "recurrent" not in refused.value.message


def test_name_like_no_other_lists_the_whole_zoo() -> None:
    with pytest.raises(UnknownArchitectureError) as refused:
        build_network(NetworkSpec(arch="zzzz", shape=(28, 28)))
    assert all(name in refused.value.message for name in ARCHITECTURES)


def test_recurrent_network_refuses_a_single_image_and_says_what_it_reads() -> None:
    with pytest.raises(NetworkInputError, match=r"recurrent reads 3-D images \(slices, rows, columns\), not 2-D"):
        build_network(NetworkSpec(arch="recurrent", shape=(28, 28)))


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "recurrent"])
def test_too_small_a_side_is_refused_with_the_smallest(name: str) -> None:
    with pytest.raises(NetworkInputError, match="at least 16 rows, 16 columns; 28 x 15 px are too few"):
        build_network(NetworkSpec(arch=name, shape=(28, 15)))


def test_unknown_option_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(NetworkInputError, match=r"vit has no option depth; it has dropout, size, drop_path"):
        build_network(NetworkSpec(arch="vit", shape=(28, 28), options={"depth": 3}))


@pytest.mark.parametrize(
    ("arch", "options", "why"),
    [
        ("vit", {"size": "huge"}, "size.*tiny"),
        ("resnet18", {"dropout": 1.0}, "dropout.*less than 1"),
        ("unet", {"width": 0}, "width.*greater"),
        ("hybrid", {"heads": 5}, "5 heads do not divide 96 channels"),
    ],
)
def test_option_that_cannot_be_is_refused_with_the_reason(arch: str, options: dict[str, Option], why: str) -> None:
    with pytest.raises(NetworkInputError, match=f"{arch} cannot have such .*{why}"):
        build_network(NetworkSpec(arch=arch, shape=(28, 28), options=options))


def test_built_network_names_every_option_that_it_was_built_with() -> None:
    network = build_network(_hybrid(dropout=0.5))
    assert set(network.spec.options) == set(ARCHITECTURES["hybrid"].options)
    assert network.spec.options["dropout"] == network.dropout.p == 0.5
    assert network.spec.options["heads"] == ARCHITECTURES["hybrid"].defaults["heads"]


def test_spec_read_back_from_json_builds_the_same_network() -> None:
    network = build_network(_hybrid())
    again = build_network(NetworkSpec.model_validate_json(network.spec.model_dump_json()))
    assert again.spec == network.spec
    again.load_state_dict(network.state_dict())


def test_same_seed_draws_the_same_weights() -> None:
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(build_network(_hybrid()).state_dict()["head.weight"])
    assert states[0].equal(states[1])
    assert not states[0].equal(states[2])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_tuning_ranges_name_options_that_the_architecture_takes(name: str) -> None:
    architecture = ARCHITECTURES[name]
    assert {"training.learning_rate", "training.weight_decay", "network.dropout"} <= set(architecture.space)
    for key, span in architecture.space.items():
        room, _, option = key.partition(".")
        assert room in ("training", "augment", "network")
        if room == "network":
            for value in _ends(span):
                architecture.settings.model_validate({option: value})


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_learning_rate_and_decay_are_tried_by_ratio(name: str) -> None:
    for key in ("training.learning_rate", "training.weight_decay"):
        span = ARCHITECTURES[name].space[key]
        assert isinstance(span, Float)
        assert span.log


def _ends(span: Float | Int | Choice) -> tuple[Option, ...]:
    return span.values if isinstance(span, Choice) else (span.low, span.high)
