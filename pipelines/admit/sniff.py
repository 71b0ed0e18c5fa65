"""Tells a format from content alone; names and suffixes are not believed."""

from __future__ import annotations

import re
from enum import StrEnum

_DICOM_MAGIC = slice(128, 132)  # PS3.10 7.1: 128 bytes of preamble, then the prefix
_NIFTI_MAGICS = (b"n+1\0", b"ni1\0")  # NIfTI-1, at offset 344
_NIFTI2_MAGICS = (b"n+2\0", b"ni2\0")  # NIfTI-2, at offset 4
_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF 6.0 section 2, and BigTIFF, in either byte order
_METAIMAGE = re.compile(rb"(Comment|ObjectType|NDims)[ \t]*=", re.IGNORECASE)  # the keys that may come first
_NIFTI2_HEADER_BYTES = (b"\x1c\x02\0\0", b"\0\0\x02\x1c")


class Format(StrEnum):
    """The formats that are read."""

    DICOM = "dicom"
    PNG = "png"
    JPEG = "jpeg"
    NIFTI = "nifti"
    TIFF = "tiff"
    NRRD = "nrrd"
    METAIMAGE = "metaimage"


def sniff_format(content: bytes) -> Format | None:
    """The format of a file's content, or None where it is none of ours.

    A DICOM data set without preamble and prefix, as old archives write it, is recognised by how its first element
    looks; whether it really is one, parsing tells.
    """
    if content[_DICOM_MAGIC] == b"DICM":
        return Format.DICOM
    for kind, starts in _STARTS.items():
        if content.startswith(starts):
            return kind
    if _METAIMAGE.match(content) and b"NDims" in content[:4096]:
        return Format.METAIMAGE
    if _is_nifti(content):
        return Format.NIFTI
    return Format.DICOM if _starts_like_data_set(content) else None


_STARTS: dict[Format, bytes | tuple[bytes, ...]] = {
    Format.PNG: b"\x89PNG\r\n\x1a\n",
    Format.JPEG: b"\xff\xd8\xff",
    Format.TIFF: _TIFF_MAGICS,
    Format.NRRD: b"NRRD000",
}


def _is_nifti(content: bytes) -> bool:
    if content.startswith(b"\x1f\x8b"):
        return _is_nifti(_first_of_gzip(content))
    return content[344:348] in _NIFTI_MAGICS or (content[:4] in _NIFTI2_HEADER_BYTES and content[4:8] in _NIFTI2_MAGICS)


def _first_of_gzip(content: bytes) -> bytes:
    """The first bytes inside a gzip member; empty where it is damaged."""
    import zlib

    try:
        return zlib.decompressobj(wbits=31).decompress(content, 512)
    except zlib.error:
        return b""


def _starts_like_data_set(content: bytes) -> bool:
    """The first element is of group 0002 or 0008 with a low element number, in either byte order (PS3.5 7.1)."""
    little = content[1:2] == b"\0" and content[0:1] in (b"\x02", b"\x08") and content[3:4] == b"\0"
    big = content[0:1] == b"\0" and content[1:2] in (b"\x02", b"\x08") and content[2:3] == b"\0"
    return len(content) > 8 and (little or big)  # noqa: PLR2004 - one element's header
