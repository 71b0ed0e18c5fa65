from __future__ import annotations

import onnxruntime
import pytest
import torch

from models.networks.registry import ARCHITECTURES, build_network
from models.networks.spec import NetworkSpec, Option
from models.training.export import export_onnx

SMALL: dict[str, dict[str, Option]] = {
    "unet": {"width": 4},
    "hybrid": {"widths": (8, 8, 16, 16), "depths": (1, 1), "drop_path": 0.2},
}


def _check(spec: NetworkSpec) -> None:
    torch.manual_seed(4)
    network = build_network(spec)
    with torch.no_grad():
        network(torch.randn(4, spec.channels, *spec.shape))  # so that no norm's averages are 0 and 1
    content = export_onnx(network.eval(), channels=spec.channels, shape=spec.shape)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[1:] == [spec.channels, *spec.shape]
    batch = torch.randn(3, spec.channels, *spec.shape)
    with torch.no_grad():
        expected = network(batch)
    for found, right in zip(session.run(None, {"image": batch.numpy()}), expected, strict=True):
        assert found == pytest.approx(right.numpy(), abs=1e-4 * right.abs().max().item())


@pytest.mark.parametrize(("arch", "shape"), [("unet", (28, 28)), ("hybrid", (16, 16, 16))])
def test_onnx_runtime_computes_what_torch_computes(arch: str, shape: tuple[int, ...]) -> None:
    _check(NetworkSpec(arch=arch, shape=shape, channels=2, classes=3, options=SMALL[arch]))


@pytest.mark.chaos
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_whole_zoo_is_exported_at_its_default_size(arch: str) -> None:
    for shape in ((28, 28), (64, 64), (16, 28, 28)):
        if len(shape) in ARCHITECTURES[arch].ranks:
            _check(NetworkSpec(arch=arch, shape=shape, channels=2, classes=3))
