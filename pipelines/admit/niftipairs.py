"""NIfTI in two files, a header (.hdr) and voxels (.img), as the one file that both could have been."""

from __future__ import annotations

import struct
from pathlib import PurePosixPath

HEADER, VOXELS = ".hdr", ".img"
_MAGIC = slice(344, 348)  # NIfTI-1: "ni1" for a pair, "n+1" for one file
_MAGIC2 = slice(4, 8)  # NIfTI-2
_SIZE, _SIZE2 = 348, 540
_OFFSET, _OFFSET2 = 108, 168  # where the header says at which byte voxels begin
_EXTENSION = bytes(4)  # none
_ALIGNED = 16


def other_half(source: str) -> str | None:
    """The file that a pair's file needs, by name alone; None where the name is none of a pair's.

    Args:
        source: Path of a file.
    """
    path = PurePosixPath(source)
    other = {HEADER: VOXELS, VOXELS: HEADER}.get(path.suffix.lower())
    return str(path.with_suffix(other.upper() if path.suffix.isupper() else other)) if other else None


def is_header(source: str) -> bool:
    """Whether a name is that of a header."""
    return PurePosixPath(source).suffix.lower() == HEADER


def is_of_a_pair(header: bytes) -> bool:
    """Whether content is a NIfTI header whose voxels lie in another file."""
    return header[_MAGIC] == b"ni1\0" or (len(header) >= _SIZE2 and header[_MAGIC2] == b"ni2\0")


def join(header: bytes, voxels: bytes) -> bytes:
    """One file of both: magic and offset are changed, extensions are left out.

    Args:
        header: As `is_of_a_pair` knows it.
        voxels: The other file.

    Source: NIfTI-1 and NIfTI-2 standards, "magic" and "vox_offset". The offset of a pair counts within its .img file.
    """
    second = header[_MAGIC2] == b"ni2\0"
    order = "<" if header[:4] in (struct.pack("<i", _SIZE), struct.pack("<i", _SIZE2)) else ">"
    size, place, kind = (_SIZE2, _OFFSET2, "q") if second else (_SIZE, _OFFSET, "f")
    (skipped,) = struct.unpack_from(order + kind, header, place)
    whole = bytearray(header[:size] + _EXTENSION)
    begin = -(-len(whole) // _ALIGNED) * _ALIGNED
    whole[_MAGIC2 if second else _MAGIC] = b"n+2\0" if second else b"n+1\0"
    struct.pack_into(order + kind, whole, place, begin)
    return bytes(whole.ljust(begin, b"\0")) + voxels[_within(skipped, len(voxels)) :]


def _within(skipped: float, most: int) -> int:
    """A header may say anything, and no number too."""
    return int(skipped) if 0 <= skipped <= most else 0
