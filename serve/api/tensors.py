"""Tensors of the Open Inference Protocol, version 2: JSON, and raw bytes behind it (the binary data extension).

Source: github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and Triton's
extension_binary_data.md, which KServe's clients speak too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from models.predictor import INPUT
from sievert.errors import NetworkInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER_LENGTH = "Inference-Header-Content-Length"
OUTPUT = "probabilities"
DATATYPE = "FP32"
_REMEDY = f"One input, `{INPUT}`, of datatype {DATATYPE}; GET the model to see its shape."


Numbers = Annotated[
    list[Any], WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "array"}]}})
]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class InputTensor(_Lenient):
    """One input."""

    name: str = Field(examples=[INPUT])
    shape: list[int] = Field(max_length=8, examples=[[1, 1, 2, 2]])
    datatype: str = Field(examples=[DATATYPE])
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: Numbers | None = Field(default=None, description="Row by row, nested or flat.", examples=[[0, 0, 0, 0]])


class WantedOutput(_Lenient):
    """One output that is asked for."""

    name: str = Field(examples=[OUTPUT])
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferRequest(_Lenient):
    """The JSON part of a request."""

    id: str | None = Field(default=None, max_length=256)
    parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: list[WantedOutput] = Field(default_factory=list)


class OutputTensor(BaseModel):
    """One output."""

    name: str = Field(examples=[OUTPUT])
    shape: list[int] = Field(examples=[[1, 2]])
    datatype: str = Field(examples=[DATATYPE])
    parameters: dict[str, Any] | None = None
    data: list[float] | None = Field(default=None, examples=[[0.99, 0.01]])


class InferResponse(BaseModel):
    """The JSON part of an answer."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood.

    Attributes:
        images: Shape [image, channel, row, column].
        id: To be repeated in the answer.
        binary: Whether the answer's tensor is wanted as raw bytes.
    """

    images: NDArray[np.float32]
    id: str | None
    binary: bool


def read_request(body: bytes, header_length: str | None, *, shape: tuple[int, ...], most_bytes: int) -> Asked:
    """Understand a request.

    Args:
        body: All of it.
        header_length: Length of the JSON part, where raw bytes follow.
        shape: What the network reads of one image.
        most_bytes: Largest tensor.

    Raises:
        NetworkInputError: It cannot be understood, or the network cannot read it.
    """
    text, raw = _split(body, header_length)
    try:
        asked = InferRequest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise NetworkInputError(f"the request cannot be understood: {where}: {first['msg'].lower()}") from error
    _check_names(asked)
    images = _tensor(asked.inputs[0], raw, shape=shape, most_bytes=most_bytes)
    return Asked(images, asked.id, _wants_binary(asked))


def write_response(name: str, version: str, asked: Asked, found: NDArray[np.float32]) -> tuple[bytes, int | None]:
    """An answer's body, and the length of its JSON part where raw bytes follow."""
    shape, raw = list(found.shape), np.ascontiguousarray(found, "<f4").tobytes()
    if asked.binary:
        output = OutputTensor(
            name=OUTPUT, shape=shape, datatype=DATATYPE, parameters={"binary_data_size": len(raw)}, data=None
        )
    else:
        output = OutputTensor(name=OUTPUT, shape=shape, datatype=DATATYPE, data=found.ravel().tolist())
    told = InferResponse(model_name=name, model_version=version, id=asked.id, outputs=[output])
    text = told.model_dump_json(exclude_none=True).encode()
    return (text + raw, len(text)) if asked.binary else (text, None)


def check_tensor(name: str, datatype: str, size: tuple[int, ...], *, shape: tuple[int, ...], most_bytes: int) -> None:
    """Hold what a request says of its tensor against what the network reads.

    Raises:
        NetworkInputError: It is another.
    """
    wanted = f"[image, {', '.join(map(str, shape))}]"
    if name != INPUT:
        raise NetworkInputError("the input has another name than the network's", remedy=_REMEDY)
    if datatype != DATATYPE:
        raise NetworkInputError(f"the input's datatype is not {DATATYPE}", remedy=_REMEDY)
    if size[1:] != shape or size[0] < 0:
        raise NetworkInputError(f"the network reads tensors of {wanted}", remedy=_REMEDY)
    if 4 * int(np.prod(size, dtype=object)) > most_bytes:
        raise NetworkInputError(f"the tensor is larger than {most_bytes} bytes", remedy="Send fewer images at once.")


def read_raw(raw: bytes, size: tuple[int, ...]) -> NDArray[np.float32]:
    """A tensor from its raw bytes, little-endian.

    Raises:
        NetworkInputError: They are more, or fewer, than the shape says; or hold what is no finite number.
    """
    if len(raw) != 4 * int(np.prod(size, dtype=object)):
        raise NetworkInputError("the tensor has more, or fewer, bytes than its shape says")
    return _finite(np.frombuffer(raw, "<f4").astype(np.float32).reshape(size))


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not header_length.isascii() or not header_length.isdigit() or int(header_length) > len(body):
        raise NetworkInputError(f"{HEADER_LENGTH} is not the length of the body's JSON part")
    return body[: int(header_length)], body[int(header_length) :]


def _check_names(asked: InferRequest) -> None:
    if len(asked.inputs) != 1:
        raise NetworkInputError("the network reads one input", remedy=_REMEDY)
    if any(one.name != OUTPUT for one in asked.outputs):
        raise NetworkInputError(f"the network has one output, `{OUTPUT}`")


def _wants_binary(asked: InferRequest) -> bool:
    if asked.outputs:
        return asked.outputs[0].parameters.get("binary_data") is True
    return asked.parameters.get("binary_data_output") is True


def _tensor(one: InputTensor, raw: bytes, *, shape: tuple[int, ...], most_bytes: int) -> NDArray[np.float32]:
    size = tuple(one.shape)
    check_tensor(one.name, one.datatype, size or (0,), shape=shape, most_bytes=most_bytes)
    if "binary_data_size" in one.parameters:
        if one.data is not None or one.parameters["binary_data_size"] != len(raw):
            raise NetworkInputError("binary_data_size is not the number of bytes behind the JSON part")
        return read_raw(raw, size)
    if one.data is None or raw:
        raise NetworkInputError("the input has no data, or bytes that nothing announces")
    return _from_json(one.data, size)


def _from_json(data: list[Any], size: tuple[int, ...]) -> NDArray[np.float32]:
    wrong = "the input's data are not numbers, or not of one shape"
    try:
        found = np.asarray(data)
    except (ValueError, TypeError, OverflowError) as error:
        raise NetworkInputError(wrong) from error
    if found.size and found.dtype.kind not in "iuf":  # "1.5", true and null become numbers where one lets them
        raise NetworkInputError(wrong)
    if found.size != int(np.prod(size, dtype=object)):
        raise NetworkInputError("the input has more, or fewer, numbers than its shape says")
    with np.errstate(over="ignore"):
        return _finite(found.reshape(size).astype(np.float32))


def _finite(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(tensor).all():
        raise NetworkInputError("the input holds what is no finite number")
    return tensor
