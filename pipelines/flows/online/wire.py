"""What travels between the service and the process that admits: JSON and plain bytes, nothing that is unpickled."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pipelines.admit.admission import Admission
from pipelines.flows.casework import Image
from sievert.records import ImageFacts, Reason, Refusal, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = struct.Struct(">IQ")


def send(pipe: BinaryIO, about: dict[str, Any], content: Sequence[bytes | memoryview] = ()) -> None:
    """Write one message: a JSON object, and bytes behind it."""
    text = json.dumps(about).encode()
    pipe.write(_HEAD.pack(len(text), sum(len(part) for part in content)))
    pipe.write(text)
    pipe.writelines(content)
    pipe.flush()


def receive(pipe: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Read one message.

    Raises:
        EOFError: The other side is gone.
    """
    length, size = _HEAD.unpack(_read(pipe, _HEAD.size))
    about: dict[str, Any] = json.loads(_read(pipe, length))
    return about, _read(pipe, size)


def write_admitted(identity: dict[str, str], outcome: Image | Refusal) -> tuple[dict[str, Any], list[memoryview]]:
    """An outcome of admission and preprocessing as a message."""
    if isinstance(outcome, Refusal):
        return {"identity": identity, "refusal": [outcome.reason.value, outcome.detail]}, []
    tensor = np.ascontiguousarray(outcome.tensor, np.float32)
    about = {"identity": identity, "facts": fields_of(outcome.facts), "shape": tensor.shape, "part": outcome.part}
    return about, [tensor.data.cast("B")]


def read_admitted(about: dict[str, Any], content: bytes) -> tuple[Admission, Image | Refusal]:
    """What `write_admitted` wrote; an admission without its pixels, and the image."""
    if "refusal" in about:
        code, detail = about["refusal"]
        refusal = Refusal(Reason(code), detail)
        return Admission(refusal, about["identity"]), refusal
    facts = dict(about["facts"])
    facts["removed"] = tuple(facts["removed"])
    facts["masked"] = tuple(tuple(box) for box in facts["masked"])
    tensor = np.frombuffer(content, np.float32).reshape(about["shape"])
    image = Image(ImageFacts(**facts), tensor, tuple((float(start), float(stop)) for start, stop in about["part"]))
    return Admission(Refusal(Reason.FORMAT_NO_PIXELS), about["identity"]), image


def _read(pipe: BinaryIO, size: int) -> bytes:
    content = pipe.read(size)
    if len(content) != size:
        raise EOFError
    return content
