"""Mends what old archives and some vendors write wrong, where only one reading makes sense."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

_FRAMES = Tag("NumberOfFrames")
_SYNTAXES: dict[tuple[bool | None, bool | None], UID] = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}
_SEQUENTIAL = (b"\xff\xc0", b"\xff\xc1")  # ISO/IEC 10918-1 B.1.1.3: start of frame, baseline and extended
_SCAN = b"\xff\xda"
_BYTE = 8
_WHOLE_SCAN = b"\x00\x3f\x00"  # B.2.3: first and last coefficient, no successive approximation


def name_transfer_syntax(dataset: FileDataset) -> None:
    """A bare data set names no transfer syntax: it is the one in which it could be parsed (PS3.10 7.1 asks for it)."""
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    syntax = _SYNTAXES.get(dataset.original_encoding)
    if "TransferSyntaxUID" not in dataset.file_meta and syntax is not None:
        dataset.file_meta.TransferSyntaxUID = syntax


def read_frame_count(dataset: Dataset) -> None:
    """A NumberOfFrames that is no number (VR IS, PS3.5 6.2): as many as the pixel data has room for."""
    raw = dataset.get_item(_FRAMES)
    value = getattr(raw, "value", None)
    if isinstance(value, bytes) and not value.strip(b" \0").isdigit():
        del dataset[_FRAMES]
        dataset.NumberOfFrames = max(_frames_in(dataset), 1)


def _frames_in(dataset: Dataset) -> int:
    """Whole frames in uncompressed pixel data; compressed ones are taken for one frame."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    sizes = [dataset.get(name, 0) or 0 for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    bits = math.prod(int(size) for size in sizes)
    if syntax is None or syntax.is_encapsulated or "PixelData" not in dataset or not bits:
        return 1
    return len(dataset.PixelData) * _BYTE // bits


def mend_scan_header(dataset: Dataset) -> bool:
    """A scan of a sequential JPEG that says it ends before the last coefficient: it cannot (ISO/IEC 10918-1 B.2.3).

    Returns:
        Whether there was anything to mend; the data set then holds the mended frames.
    """
    if dataset.file_meta.TransferSyntaxUID not in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return False
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
    mended = [_with_whole_scan(frame) for frame in frames]
    if mended == frames:
        return False
    dataset.PixelData = encapsulate(mended)
    return True


def _with_whole_scan(frame: bytes) -> bytes:
    scan = frame.find(_SCAN)
    if scan < 0 or not any(start in frame[:scan] for start in _SEQUENTIAL):
        return frame
    end = scan + len(_SCAN) + int.from_bytes(frame[scan + 2 : scan + 4], "big")
    return frame[: end - len(_WHOLE_SCAN)] + _WHOLE_SCAN + frame[end:]
