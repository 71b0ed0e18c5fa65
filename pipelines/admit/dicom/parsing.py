"""Parses a DICOM object and tells whether its pixels are all there."""

from __future__ import annotations

import io
import logging
import zlib
from typing import TYPE_CHECKING

import pydicom
from pydicom.encaps import generate_frames
from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from pipelines.admit.dicom.repairs import name_transfer_syntax, read_frame_count
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from sievert.settings import AdmitSettings

# PS3.3 C.7.3.1.1.1: objects that describe or annotate images
_NO_IMAGE = frozenset("ANN AU DOC ECG FID KO PLAN PR REG RTDOSE RTPLAN RTRECORD RTSTRUCT RWV SEG SMR SR".split())
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""Keywords of what an image's pixels are in, one an object (PS3.3 C.7.6.24)."""
_BYTE = 8
_BYTES_A_PIXEL = 4
_META_START = 144  # preamble, prefix and the element that says how long the meta information is
_END = b"\xff\xd9"
_TRAILER_BYTES = 16  # padding to even length, and what some encoders append

logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its messages quote header values


def parse_dicom(content: bytes, policy: AdmitSettings) -> Dataset | Refusal:
    """Parse a file of PS3.10, or a bare data set as old archives write it.

    Returns:
        A data set with pixels, as many bytes of them as it announces; or why there is none.
    """
    try:
        if _inflates_beyond(content, policy.max_pixels * _BYTES_A_PIXEL):
            return Refusal(Reason.FORMAT_TOO_LARGE)
        return _checked(pydicom.dcmread(io.BytesIO(content), force=content[128:132] != b"DICM"))
    except EOFError:
        return Refusal(Reason.FORMAT_TRUNCATED)
    except Exception:  # noqa: BLE001 - whatever a file makes the parser raise
        return Refusal(Reason.FORMAT_CORRUPT)


def _inflates_beyond(content: bytes, most: int) -> bool:
    """Whether a deflated data set (PS3.5 A.5) unpacks to more bytes than an image may have; tried within that."""
    meta_end = _META_START + int.from_bytes(content[_META_START - 4 : _META_START], "little")  # PS3.10 7.1: (0002,0000)
    if DeflatedExplicitVRLittleEndian.encode() not in content[_META_START:meta_end]:
        return False
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    inflate.decompress(content[meta_end:], most)
    return bool(inflate.unconsumed_tail)


def _checked(dataset: pydicom.FileDataset) -> Dataset | Refusal:
    media = dataset.file_meta.get("MediaStorageSOPClassUID") if hasattr(dataset, "file_meta") else None
    if media == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in dataset:
        return Refusal(Reason.FORMAT_NO_PIXELS, "It is a DICOMDIR.")
    if "SOPClassUID" not in dataset and media is not None:
        return Refusal(Reason.FORMAT_TRUNCATED)  # the file says what it is, and ends before its data set does
    if "SOPClassUID" not in dataset:
        return Refusal(Reason.FORMAT_UNKNOWN if not dataset.preamble else Reason.FORMAT_CORRUPT)
    name_transfer_syntax(dataset)
    if dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) not in AllTransferSyntaxes:
        return Refusal(Reason.FORMAT_UNSUPPORTED, "Its transfer syntax is not known here.")
    read_frame_count(dataset)
    return _with_pixels(dataset)


def _with_pixels(dataset: Dataset) -> Dataset | Refusal:
    if not any(name in dataset for name in PIXELS):
        announced = ("Rows" in dataset and "Columns" in dataset) or "Image Storage" in UID(dataset.SOPClassUID).name
        return set_aside(dataset) or Refusal(Reason.FORMAT_TRUNCATED if announced else Reason.FORMAT_NO_PIXELS)
    if missing := [name for name in ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel") if not dataset.get(name)]:
        return Refusal(Reason.FORMAT_CORRUPT, f"Missing: {', '.join(missing)}.")
    return Refusal(Reason.FORMAT_TRUNCATED) if _is_short(dataset) else dataset


def _is_short(dataset: Dataset) -> bool:
    """Whether uncompressed pixel data holds fewer bytes than the header announces (PS3.5 8.1)."""
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if "PixelData" not in dataset:
        return False
    if syntax is not None and syntax.is_encapsulated:
        return _ends_early(dataset, syntax)
    samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel) * frames_of(dataset)
    subsampled = 2 / 3 if str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422" else 1
    return len(dataset.PixelData) < int(samples * subsampled * int(dataset.BitsAllocated) / _BYTE)


def _ends_early(dataset: Dataset, syntax: UID) -> bool:
    """Whether a frame of the JPEG kinds lacks its end marker (ISO/IEC 10918-1 B.2.1, 14495-1, 15444-1 A.4.4: FFD9)."""
    if syntax == RLELossless or frames_of(dataset) > 1:
        return False
    frames = list(generate_frames(dataset.PixelData, number_of_frames=1))
    return not frames or _END not in frames[0][-_TRAILER_BYTES:]


def set_aside(dataset: Dataset) -> Refusal | None:
    """Refuse what annotates or derives from images: a segmentation has pixels, and none to screen."""
    modality = str(dataset.get("Modality", "")).upper()
    return Refusal(Reason.FORMAT_NO_PIXELS, f"Its modality is {modality}.") if modality in _NO_IMAGE else None


def frames_of(dataset: Dataset) -> int:
    """NumberOfFrames, 1 where it is absent (PS3.3 C.7.6.6)."""
    return int(dataset.get("NumberOfFrames", 1) or 1)
