from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from models.networks.classifier import Classifier
from models.networks.registry import build_network
from models.networks.spec import NetworkSpec, Option
from models.package import shipped_packages
from models.weights import load_weights
from sievert.errors import ModelError, ModelMissingError

TINY: dict[str, Option] = {"widths": (4, 4, 8, 8), "depths": (1, 1)}


def _hybrid(*, channels: int = 1, classes: int = 2, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    return build_network(NetworkSpec(arch="hybrid", shape=(28, 28), channels=channels, classes=classes, options=TINY))


def _resnet(arch: str = "resnet18", *, channels: int = 1, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    shape = (3, 28, 28) if arch == "recurrent" else (28, 28)
    return build_network(NetworkSpec(arch=arch, shape=shape, channels=channels))


@pytest.fixture(scope="module")
def torchvision_state() -> dict[str, Tensor]:
    """A ResNet-18 for colour pictures of 1000 classes, named as torchvision does."""
    torch.manual_seed(8)
    network = build_network(NetworkSpec(arch="resnet18", shape=(224, 224), channels=3, classes=1000))
    named = {name.replace("head.", "fc.").removeprefix("body."): value for name, value in network.state_dict().items()}
    assert {"conv1.weight", "bn1.running_mean", "layer2.0.downsample.0.weight", "fc.weight"} <= set(named)
    return named


def test_weights_of_the_same_network_are_taken_whole(tmp_path: Path) -> None:
    source, network = _hybrid(seed=1), _hybrid(seed=2)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    record = load_weights(network, tmp_path / "w.safetensors")
    assert record.skipped == ()
    assert record.loaded == len(network.state_dict())
    assert all(value.equal(source.state_dict()[name]) for name, value in network.state_dict().items())


def test_head_for_other_classes_is_left_out_whole(tmp_path: Path) -> None:
    network = _hybrid(classes=5)
    before = network.state_dict()["head.weight"].clone()
    save_file(_hybrid(seed=1).state_dict(), tmp_path / "w.safetensors")
    record = load_weights(network, tmp_path / "w.safetensors")
    assert set(record.skipped) == {
        "head.weight: shape (2, 8) does not fit (5, 8)",
        "head.bias: shape (2,) does not fit (5,)",
    }
    assert network.state_dict()["head.weight"].equal(before)


def test_bias_is_left_out_where_the_weights_of_its_layer_do_not_fit(tmp_path: Path) -> None:
    network, state = _hybrid(), _hybrid(seed=1).state_dict()
    state["head.weight"] = torch.ones(2, 99)
    before = network.state_dict()["head.bias"].clone()
    save_file(state, tmp_path / "w.safetensors")
    record = load_weights(network, tmp_path / "w.safetensors")
    assert "head.bias: the rest of its layer does not fit" in record.skipped
    assert network.state_dict()["head.bias"].equal(before)


@pytest.mark.parametrize("prefix", ["", "module.", "net.", "module.net."])
def test_torchvision_names_are_mapped_whatever_a_framework_put_before(
    tmp_path: Path, torchvision_state: dict[str, Tensor], prefix: str
) -> None:
    network = _resnet()
    torch.save({"state_dict": {prefix + name: value for name, value in torchvision_state.items()}}, tmp_path / "w.pth")
    record = load_weights(network, tmp_path / "w.pth")
    assert [line.partition(":")[0] for line in record.skipped] == [f"{prefix}fc.weight", f"{prefix}fc.bias"]
    assert record.loaded == len(torchvision_state) - 2
    name = "layer2.0.downsample.0.weight"
    assert network.state_dict()[f"body.{name}"].equal(torchvision_state[name])


def test_recurrent_network_takes_a_resnet_for_its_encoder(tmp_path: Path, torchvision_state: dict[str, Tensor]) -> None:
    network = _resnet("recurrent")
    save_file(torchvision_state, tmp_path / "w.safetensors")
    record = load_weights(network, tmp_path / "w.safetensors")
    name = "layer4.1.conv2.weight"
    assert network.state_dict()[f"body.encoder.{name}"].equal(torchvision_state[name])
    assert "body.gru.weight_ih_l0: not in the file" in record.skipped


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_first_convolution_answers_a_grey_picture_alike_for_any_number_of_channels(
    tmp_path: Path, torchvision_state: dict[str, Tensor], channels: int
) -> None:
    network = _resnet(channels=channels)
    save_file(torchvision_state, tmp_path / "w.safetensors")
    record = load_weights(network, tmp_path / "w.safetensors")
    assert not any(line.startswith("conv1") for line in record.skipped)
    loaded, given = network.state_dict()["body.conv1.weight"], torchvision_state["conv1.weight"]
    assert loaded.shape[1] == channels
    grey = given.sum(dim=1) if channels != 2 else given[:, :2].sum(dim=1)
    assert torch.allclose(loaded.sum(dim=1), grey, atol=1e-5)


def test_grey_weights_are_spread_evenly_over_colour(tmp_path: Path) -> None:
    source, network = _hybrid(seed=1), _hybrid(channels=3)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    load_weights(network, tmp_path / "w.safetensors")
    first = network.state_dict()["body.stem.0.weight"]
    assert torch.allclose(first, source.state_dict()["body.stem.0.weight"].expand(-1, 3, -1, -1) / 3)


def test_densenet_of_torchvision_and_of_monai_both_fit(tmp_path: Path) -> None:
    network = build_network(NetworkSpec(arch="densenet121", shape=(28, 28)))
    state = {name.replace("body.", "features."): value.clone() for name, value in network.state_dict().items()}
    old = {name.replace(".layers.", ".").replace("head.", "classifier."): value for name, value in state.items()}
    new = {name.replace("head.", "class_layers.out."): value for name, value in state.items()}
    assert "features.denseblock1.denselayer1.norm1.weight" in old
    for number, weights in enumerate((old, new)):
        save_file(weights, tmp_path / f"{number}.safetensors")
        assert load_weights(network, tmp_path / f"{number}.safetensors").skipped == ()


def test_weights_of_another_architecture_are_refused_and_change_nothing(
    tmp_path: Path, torchvision_state: dict[str, Tensor]
) -> None:
    network = _hybrid()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    save_file(torchvision_state, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="nothing in the weights fits the body of hybrid with 2 axes"):
        load_weights(network, tmp_path / "w.safetensors")
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())


def test_weights_that_are_no_finite_numbers_are_refused(tmp_path: Path) -> None:
    state = _hybrid().state_dict()
    state["body.last.0.weight"][0, 0] = float("nan")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"no finite numbers, first in body.last.0.weight"):
        load_weights(_hybrid(), tmp_path / "w.safetensors")


class _Planted:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("planted"),)


def test_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": _Planted()}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="tensors alone"):
        load_weights(_hybrid(), tmp_path / "w.pt")
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04" + bytes(40)])
def test_broken_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        load_weights(_hybrid(), tmp_path / name)


def test_checkpoint_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="holds no tensors"):
        load_weights(_hybrid(), tmp_path / "w.pt")


def test_missing_file_and_other_kinds_of_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"no weights 'gone.pt'"):
        load_weights(_hybrid(), tmp_path / "gone.pt")
    (tmp_path / "w.h5").touch()
    with pytest.raises(ModelError, match=r"read from .safetensors, .pt, .pth files"):
        load_weights(_hybrid(), tmp_path / "w.h5")


def test_package_is_checked_before_its_weights_are_read(tmp_path: Path) -> None:
    folder = shipped_packages()["default"]
    (tmp_path / "copy").mkdir()
    for file in (path for path in folder.rglob("*") if path.is_file()):
        target = tmp_path / "copy" / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    save_file(_hybrid().state_dict(), tmp_path / "copy" / "models" / "model.safetensors")
    with pytest.raises(ModelError, match="not as it was made"):
        load_weights(_hybrid(), tmp_path / "copy")
