from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.networks.registry import build_network
from models.package import load_package
from pipelines.flows.training.start import Start, find_start
from sievert.errors import ModelError, ModelMissingError
from tests.unit.models.training_samples import spec, weights_of


def test_file_of_weights_is_a_start_that_loads_on_another_machine(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network, other = build_network(spec()), build_network(spec())
    save_file({name: one.contiguous() for name, one in network.state_dict().items()}, tmp_path / "mine.safetensors")
    start = find_start(tmp_path / "mine.safetensors")
    (tmp_path / "mine.safetensors").unlink()
    assert start.name == "mine.safetensors"
    assert weights_of(network) != weights_of(other)
    start.load(other)
    assert weights_of(network) == weights_of(other)


def test_shipped_package_is_a_start() -> None:
    start = find_start(Path("default"))
    assert start.content == load_package("default").weights_file.read_bytes()
    assert start.digest == Start("other.safetensors", start.content).digest


def test_nothing_to_start_from_says_what_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="nothing to start from at 'nowhere'") as caught:
        find_start(tmp_path / "nowhere")
    assert "sievert pretrain" in caught.value.remedy
    with pytest.raises(ModelMissingError):
        find_start(tmp_path)


def test_package_that_is_not_as_it_was_made_is_no_start(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(load_package("default").folder, folder)
    weights = folder / "models" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(ModelError, match="'model' cannot be started from") as caught:
        find_start(folder)
    assert str(tmp_path) not in caught.value.message


def test_weights_do_not_stand_in_what_is_printed() -> None:
    assert "secret" not in repr(Start("a.pt", b"secret"))
