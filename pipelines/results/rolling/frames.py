"""Frames of a spool: one sealed row and its wrapped data keys each, behind their length and checksum."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import asdict, dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from pipelines.results.keys.tables import KeyRow
from pipelines.results.shardfile import SealedRow
from sievert.records import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = struct.Struct(">II")
LONGEST_FRAME = 1 << 26
"""Bytes; a longer one is damage."""
_BINARY = ("salt", "leaf", "sealed", "identity")


@dataclass(frozen=True, slots=True)
class SpoolHeader:
    """The first frame.

    Attributes:
        out: Absolute path of the job's out folder.
        job: Its commitment.
        shard_size: Records a shard.
        attempt: Names the tables of wrapped keys.
        opened: UTC, ISO 8601.
        seeds: Of whatever was drawn at random.
    """

    out: str = field(repr=False)
    job: str
    shard_size: int
    attempt: str
    opened: str
    seeds: dict[str, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One record.

    Attributes:
        row: As it will stand in its shard.
        keys: Its data key, wrapped for each recipient.
        counts: The record's counts, sealed (`seal_counts`).
    """

    row: SealedRow
    keys: list[KeyRow]
    counts: str = field(repr=False)


def encode_header(header: SpoolHeader) -> bytes:
    """A header as bytes of a spool."""
    return _framed(asdict(header))


def encode_frame(frame: Frame) -> bytes:
    """A frame as bytes of a spool."""
    row = {name: _text(value) if name in _BINARY else value for name, value in fields_of(frame.row).items()}
    keys = [{**asdict(one), "wrapped": _text(one.wrapped)} for one in frame.keys]
    return _framed({"row": row, "keys": keys, "counts": frame.counts})


def decode_spool(content: bytes, *, first: int = 0) -> tuple[SpoolHeader | None, list[Frame]]:
    """What a spool holds, up to a torn or damaged frame; no header where that is torn itself.

    Args:
        content: Of the file.
        first: Frames of leaves below are passed over, and not looked at.
    """
    bodies = _bodies(content)
    header = _checked(next(bodies, None))
    if header is None:
        return None, []
    parts = takewhile(lambda part: part is not None, map(_checked, islice(bodies, first, None)))
    return SpoolHeader(**header), [_frame(part) for part in parts if part is not None]


def _framed(content: dict[str, Any]) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _bodies(content: bytes) -> Iterator[tuple[memoryview, int]]:
    """Each whole frame's body, and its checksum."""
    place, view = 0, memoryview(content)
    while place + _HEAD.size <= len(content):
        length, checksum = _HEAD.unpack_from(content, place)
        body = view[place + _HEAD.size : place + _HEAD.size + length]
        if length > LONGEST_FRAME or len(body) != length:
            return
        yield body, checksum
        place += _HEAD.size + length


def _checked(framed: tuple[memoryview, int] | None) -> dict[str, Any] | None:
    if framed is None or zlib.crc32(framed[0]) != framed[1]:
        return None
    found: dict[str, Any] = json.loads(bytes(framed[0]))
    return found


def _frame(part: dict[str, Any]) -> Frame:
    row: dict[str, Any] = {name: _bytes(value) if name in _BINARY else value for name, value in part["row"].items()}
    keys = [KeyRow(**{**one, "wrapped": _bytes(one["wrapped"])}) for one in part["keys"]]
    return Frame(SealedRow(**row), keys, part["counts"])


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value)
