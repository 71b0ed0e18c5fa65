from __future__ import annotations

import onnx
import onnxruntime
import pytest
import torch
from safetensors.numpy import load

from models.networks.classifier import Classifier
from models.networks.registry import build_network
from models.training.export import export_onnx, export_weights
from tests.unit.models.training_samples import spec


@pytest.fixture(scope="module")
def network() -> Classifier:
    torch.manual_seed(11)
    return build_network(spec((20, 28), classes=3)).eval()


@pytest.fixture(scope="module")
def content(network: Classifier) -> bytes:
    return export_onnx(network, channels=1, shape=(20, 28))


def test_batch_is_free_and_the_size_is_fixed(content: bytes) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()
    assert image.name == "image"
    assert isinstance(image.shape[0], str)
    assert image.shape[1:] == [1, 20, 28]
    assert [output.name for output in session.get_outputs()] == ["logits", "features"]


@pytest.mark.parametrize("images", [1, 2, 7])
def test_exported_network_computes_what_torch_computes(network: Classifier, content: bytes, images: int) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    batch = torch.randn(images, 1, 20, 28)
    with torch.no_grad():
        expected = network(batch)
    for found, right in zip(session.run(None, {"image": batch.numpy()}), expected, strict=True):
        assert found == pytest.approx(right.numpy(), abs=1e-4)


def test_file_tells_nothing_of_the_machine_that_wrote_it(content: bytes) -> None:
    assert b".py" not in content
    assert b"site-packages" not in content
    assert not [node for node in onnx.load_from_string(content).graph.node if node.doc_string]


def test_exporting_twice_gives_the_same_bytes(network: Classifier, content: bytes) -> None:
    assert export_onnx(network, channels=1, shape=(20, 28)) == content


def test_weights_hold_every_tensor_by_its_name(network: Classifier) -> None:
    weights = load(export_weights(network))
    assert set(weights) == set(network.state_dict())
    assert weights["head.weight"] == pytest.approx(network.state_dict()["head.weight"].numpy())
