"""Pre-training on Ray leaves what it leaves without Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.networks.spec import NetworkSpec
from models.package import BODY, FILES
from models.pretraining.body_package import load_body
from models.pretraining.settings import PretrainSettings
from models.pretraining.simclr import pretrain_body
from models.recipe import standard_recipe
from models.training.settings import LabelledSet
from pipelines.labelled.unlabelled import read_unlabelled

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]


def _make_data(file: Path) -> Path:
    draw = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, images in (("train", 32), ("val", 16), ("test", 16)):
        labels = np.arange(images) % 2
        pictures = draw.integers(0, 100, (images, 28, 28), dtype=np.uint8)
        pictures[labels == 1, 8:20, 8:20] += 100
        arrays |= {f"{split}_images": pictures, f"{split}_labels": labels[:, None]}
    np.savez(file, **arrays)
    return file


def _weights_of(settings: PretrainSettings, data: Path) -> dict[str, Tensor]:
    """The same, in this process."""
    images = read_unlabelled(data, recipe=standard_recipe(rows=28, columns=28))
    pictures = LabelledSet(images, np.zeros(len(images), dtype=np.int64))
    threads = torch.get_num_threads()
    weights, _ = pretrain_body(pictures, NetworkSpec(arch="hybrid", shape=(28, 28)), settings, on_epoch=lambda _: None)
    torch.set_num_threads(threads)
    return weights


def test_worker_leaves_the_body_that_one_process_does(sievert: Sievert, tmp_path: Path) -> None:
    data = _make_data(tmp_path / "boxes.npz")
    flags = ("--epochs", 2, "--batch-size", 16, "--threads", 1, "--seed", 5, "--json")
    done = sievert("pretrain", data, "--out", tmp_path / "body", *flags)
    assert done.code == 0, done.err
    assert "epoch 2 of 2: loss" in done.err
    body = load_body(tmp_path / "body")
    assert done.json == {"out": str(tmp_path / "body"), "arch": "hybrid", "digest": body.digest}
    found = load_file(body.weights_file)
    expected = _weights_of(PretrainSettings(epochs=2, batch_size=16, threads=1, seed=5), data)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)
    assert not (tmp_path / "body.run").exists()


def test_body_is_no_model_and_the_front_door_says_what_it_is_for(sievert: Sievert, tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    for name in (BODY, FILES):
        (tmp_path / name).write_text("{}")
    refused = sievert("model", "show", tmp_path)
    assert refused.code == 30
    assert "train from it with --init" in refused.err
