from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from models.networks.spec import NetworkSpec
from models.package import PROVENANCE, WEIGHTS, load_package
from models.packing import open_draft
from models.pretraining.body_package import BodyRecord, is_body, load_body, write_body
from models.recipe import standard_recipe
from sievert.errors import ModelError, ModelMissingError

if TYPE_CHECKING:
    from pathlib import Path

SPEC = NetworkSpec(arch="hybrid", shape=(28, 28), options={"dropout": 0.1})
PROVENANCE_OF_ONE = {
    "command": "sievert pretrain a.npz --out body",
    "data": [{"name": "a.npz", "images": 4, "sha256": "0" * 64}],
    "epochs": [{"number": 1, "training_loss": 1.25}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record = BodyRecord(network=SPEC, images=4, epochs=1)
    with open_draft(tmp_path / "body") as draft:
        weights = {"body.one": torch.ones(2)}
        write_body(draft, weights, record, standard_recipe(rows=28, columns=28), PROVENANCE_OF_ONE)
    return tmp_path / "body"


def test_body_comes_back_as_it_was_written(folder: Path) -> None:
    body = load_body(folder)
    assert is_body(folder)
    assert (body.spec, body.weights_file) == (SPEC, folder / WEIGHTS)
    assert body.recipe.output_shape == SPEC.shape
    assert len(body.digest) == 64


@pytest.mark.parametrize("name", [WEIGHTS, PROVENANCE])
def test_changed_byte_is_seen(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelError, match=name):
        load_body(folder)


def test_body_is_refused_as_a_model_with_what_to_do_instead(folder: Path) -> None:
    with pytest.raises(ModelError, match="pre-trained body, not a model: train from it with --init"):
        load_package(folder)


def test_model_and_empty_folder_are_no_bodies(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a model package"):
        load_body(load_package("default").folder)
    with pytest.raises(ModelMissingError):
        load_body(tmp_path)


def test_card_says_that_it_is_no_model_and_what_it_saw(folder: Path) -> None:
    card = (folder / "docs" / "README.md").read_text("utf-8")
    assert "No model" in card
    assert "| a.npz | 4 |" in card
