from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save

from models.checking import Check, check_package
from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.package import FILES, ONNX, WEIGHTS, file_list, hash_files, shipped_packages
from models.training.export import export_onnx, export_weights
from sievert.errors import ModelMissingError
from tests.packages import make_package

SPEC = NetworkSpec(
    arch="hybrid", shape=(16, 16), channels=1, classes=2, options={"widths": (8, 8, 8, 8), "depths": (1, 1), "heads": 1}
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a network that the zoo can build again."""
    torch.manual_seed(0)
    network = build_network(SPEC).eval()
    folder = tmp_path_factory.mktemp("packages") / "whole"
    make_package(folder, np.ones((2, 1), np.float32), shape=SPEC.shape, network=SPEC)
    (folder / WEIGHTS).write_bytes(export_weights(network))
    (folder / ONNX).write_bytes(export_onnx(network, channels=1, shape=SPEC.shape))
    _seal(folder)
    return folder


def _seal(folder: Path) -> None:
    (folder / FILES).write_bytes(file_list(hash_files(folder)))


def _ended(folder: Path) -> dict[str, Check]:
    return {check.name: check for check in check_package(folder)}


@pytest.fixture
def copy(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_whole_package_passes_every_check(whole: Path) -> None:
    ended = _ended(whole)
    assert list(ended) == ["files", "metadata", "recipe", "calibration", "card", "network", "weights"]
    assert all(check.passed for check in ended.values()), ended
    assert "hybrid" in ended["weights"].said


def test_weights_that_onnx_does_not_hold_are_found_though_the_hashes_agree(copy: Path) -> None:
    weights = load_file(copy / WEIGHTS)
    weights["head.weight"] = weights["head.weight"] + 0.01
    (copy / WEIGHTS).write_bytes(save(weights))
    _seal(copy)
    ended = _ended(copy)
    assert ended["files"].passed
    assert ended["weights"].passed is False
    assert "disagree" in ended["weights"].said


def test_weights_of_another_network_are_told_by_the_architecture(copy: Path) -> None:
    (copy / WEIGHTS).write_bytes(save({"head.weight": np.ones((2, 8), np.float32)}))
    _seal(copy)
    assert _ended(copy)["weights"].said == "the model package's weights do not fit the architecture hybrid"


def test_all_that_is_wrong_is_told_at_once(copy: Path) -> None:
    (copy / ONNX).write_bytes(b"no network")
    (copy / "docs" / "README.md").write_bytes(b" \n")
    record = json.loads((copy / "configs" / "calibration.json").read_text("utf-8"))
    (copy / "configs" / "calibration.json").write_text(json.dumps(record | {"temperature": -1}), "utf-8")
    failed = {name for name, check in _ended(copy).items() if check.passed is False}
    assert failed == {"files", "calibration", "card", "network", "weights"}


def test_package_from_before_the_zoo_cannot_be_held_against_torch_but_does_not_fail(tmp_path: Path) -> None:
    package = make_package(tmp_path / "old", np.ones((2, 1), np.float32), shape=(4, 4))
    assert _ended(package.folder)["weights"] == Check(
        "weights", passed=None, said="not possible: made before packages named their architecture"
    )


def test_shipped_packages_fail_no_check() -> None:
    for folder in shipped_packages().values():
        assert False not in {check.passed for check in check_package(folder)}


def test_missing_package_is_told_as_always(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        check_package(tmp_path / "nowhere")
