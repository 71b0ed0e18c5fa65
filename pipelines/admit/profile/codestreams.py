"""Takes comments and other passengers out of JPEG, JPEG-LS and JPEG 2000 codestreams, without touching the picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKER: Final = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")
"""Past stuffed bytes (FF00; in JPEG-LS FF and a byte below 80) and restarts (FFD0 to FFD7)."""

_START, _END = 0xD8, 0xD9
_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)
_ALONE = frozenset({0x01, _START, _END})

# What a decoder needs to get the colours right, with the length that holds that and nothing else:
# JFIF (ISO/IEC 10918-5) without a thumbnail, Adobe's transform (10918-6), that of JPEG-LS (HP's "mrfx").
_NEEDED: Final = {0xE0: (b"JFIF\0", 16), 0xEE: (b"Adobe", 14), 0xE8: (b"mrfx", 7)}
_THUMBNAIL = 14
"""Where JFIF says how large its thumbnail is: two bytes."""

_J2K_COMMENT: Final = b"\xff\x64"
_J2K_TILE, _J2K_DATA, _J2K_END = 0xFF90, 0xFF93, 0xFFD9
_J2K_LENGTH_AT = 6
_J2K_TILE_BYTES = 12


def clean_jpeg(frame: bytes) -> bytes:
    """A JPEG or JPEG-LS frame without comments, application data and what stands behind its end.

    Source: ISO/IEC 10918-1 B.1.1 (markers), 14495-1 C.1.

    Raises:
        ValueError: It has no start or no end.
    """
    kept, done = bytearray(), 0
    for code, start, end in _segments(frame):
        if code == _COMMENT or (code in _APPLICATION and not _is_needed(code, frame[start + 2 : end])):
            kept += frame[done:start]
            done = end
        if code == _END:
            return bytes(kept + frame[done:end])
    raise ValueError("the codestream has no end")


def _segments(frame: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment; entropy-coded data lies between them."""
    if frame[:2] != b"\xff\xd8":
        raise ValueError("the codestream has no start")
    place = 0
    while (found := _MARKER.search(frame, place)) is not None:
        code, start = frame[found.end() - 1], found.end() - 2
        length = 0 if code in _ALONE else int.from_bytes(frame[found.end() : found.end() + 2], "big")
        place = found.end() + length
        yield code, start, place


def _is_needed(code: int, segment: bytes) -> bool:
    """Whether a segment (its length first) is one that decoders read colours from, and holds nothing else."""
    sign, length = _NEEDED.get(code, (b"?", 0))
    thumbnail = segment[_THUMBNAIL : _THUMBNAIL + 2] if code == min(_NEEDED) else b""
    return segment[2:].startswith(sign) and len(segment) == length and not any(thumbnail)


def clean_jpeg2000(frame: bytes) -> bytes:
    """A JPEG 2000 codestream whose comments say nothing, without what stands behind its end.

    Comments are blanked and not cut out: tile parts and their lengths stay where they are.
    Source: ISO/IEC 15444-1 A.4 (delimiters), A.9.2 (comment), A.4.2 (tile parts).

    Raises:
        ValueError: It is wrapped in a file format (JP2), or its markers make no codestream.
    """
    blanked, place = bytearray(frame), 2
    if frame[:4] != b"\xff\x4f\xff\x51":
        raise ValueError("no codestream starts here")
    while (code := int.from_bytes(frame[place : place + 2], "big")) != _J2K_END:
        place = _past(blanked, frame, code, place)
    return bytes(blanked[: place + 2])


def _past(blanked: bytearray, frame: bytes, code: int, place: int) -> int:
    """Blank a comment at a marker, and say where the next marker is."""
    if code == _J2K_TILE:
        return _past_tile(blanked, frame, place)
    end = place + 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    if code >> 8 != 0xFF or end <= place + 2 or end > len(frame):  # noqa: PLR2004 - markers begin with FF
        raise ValueError("the codestream ends within a segment")
    if code.to_bytes(2, "big") == _J2K_COMMENT:
        blanked[place + 6 : end] = b" " * (end - place - 6)
    return end


def _past_tile(blanked: bytearray, frame: bytes, place: int) -> int:
    length = int.from_bytes(frame[place + _J2K_LENGTH_AT : place + _J2K_LENGTH_AT + 4], "big")
    end = place + length if length else len(frame.rstrip(b"\0")) - 2
    if end <= place or end > len(frame) - 2:
        raise ValueError("a tile part ends beyond the codestream")
    inner = place + _J2K_TILE_BYTES
    while (code := int.from_bytes(frame[inner : inner + 2], "big")) != _J2K_DATA:
        inner = _past(blanked, frame, code, inner)
        if inner >= end:
            raise ValueError("a tile part has no data")
    return end
