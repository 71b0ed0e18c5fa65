"""Tensors of the Open Inference Protocol in gRPC's messages: typed contents, or raw bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from serve.api.grpc.oip_pb2 import InferTensorContents, ModelInferRequest, ModelInferResponse
from serve.api.tensors import DATATYPE, OUTPUT, check_tensor, read_raw
from sievert.errors import NetworkInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serve.api.backend import ServedModel


def read_images(asked: ModelInferRequest, *, shape: tuple[int, ...], most_bytes: int) -> NDArray[np.float32]:
    """The images of a request.

    Args:
        asked: It.
        shape: What the network reads of one image.
        most_bytes: Largest tensor.

    Returns:
        Shape [image, *shape].

    Raises:
        NetworkInputError: It cannot be understood, or the network cannot read it.
    """
    if len(asked.inputs) != 1:
        raise NetworkInputError("the network reads one input")
    if any(one.name != OUTPUT for one in asked.outputs):
        raise NetworkInputError(f"the network has one output, `{OUTPUT}`")
    one = asked.inputs[0]
    size = tuple(one.shape)
    check_tensor(one.name, one.datatype, size or (0,), shape=shape, most_bytes=most_bytes)
    return read_raw(_raw(asked), size)


def write_probabilities(model: ServedModel, asked: ModelInferRequest, found: NDArray[np.float32]) -> ModelInferResponse:
    """An answer; its tensor is raw where the request's was."""
    output = ModelInferResponse.InferOutputTensor(name=OUTPUT, datatype=DATATYPE, shape=found.shape)
    told = ModelInferResponse(model_name=model.name, model_version=model.version, id=asked.id)
    if asked.raw_input_contents:
        told.raw_output_contents.append(np.ascontiguousarray(found, "<f4").tobytes())
    else:
        output.contents.CopyFrom(InferTensorContents(fp32_contents=found.ravel()))
    told.outputs.append(output)
    return told


def _raw(asked: ModelInferRequest) -> bytes:
    """The one input's bytes, little-endian, however they were sent."""
    contents = asked.inputs[0].contents
    typed = len(contents.ListFields())
    if asked.raw_input_contents:
        if len(asked.raw_input_contents) != 1 or typed:
            raise NetworkInputError("the input has raw contents for another number of inputs, or typed ones as well")
        return bytes(asked.raw_input_contents[0])
    if typed > 1 or (typed and not contents.fp32_contents):
        raise NetworkInputError(f"the input's contents are not of its datatype, {DATATYPE}")
    return np.asarray(contents.fp32_contents, "<f4").tobytes()
