"""From a trained network to the two files that a package holds: safetensors and ONNX."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import onnx
import torch
from safetensors.torch import save

from models.predictor import INPUT, OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


def export_weights(network: nn.Module) -> bytes:
    """The network's parameters and buffers as safetensors."""
    return save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})


def export_onnx(network: nn.Module, *, channels: int, shape: tuple[int, ...]) -> bytes:
    """The network as one ONNX file.

    Input `image`, float32 [image, channel, *shape] with any number of images; outputs `logits` [image, class] first,
    then `features` [image, feature, *place], so that an explanation needs no second pass.

    Args:
        network: In evaluation mode.
        channels: Channels that it reads.
        shape: Rows and columns that it reads, or slices, rows and columns, in pixels.
    """
    example = torch.zeros(2, channels, *shape)
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("images")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    return _without_traces(program.model_proto)


def _without_traces(model: Any) -> bytes:  # noqa: ANN401 - onnx ships no types for its messages
    # torch notes the file and line of every operation: paths of the machine that trained.
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.functions):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.ClearField("doc_string")
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    # The exporter warns that torchvision is missing, which nothing here uses, and of its own deprecations.
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
