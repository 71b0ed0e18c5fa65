"""Reads a DICOM object: parse, tell what it is, decode its picture."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage, RLELossless

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from sievert.settings import AdmitSettings

# PS3.3 C.7.3.1.1.1: objects that describe or annotate images
_NO_IMAGE = frozenset("ANN AU DOC ECG FID KO PLAN PR REG RTDOSE RTPLAN RTRECORD RTSTRUCT RWV SEG SMR SR".split())
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_FULL = 65_535
_BYTE = 8
_BYTES_A_PIXEL = 4
_META_START = 144  # preamble, prefix and the element that says how long the meta information is
_END = b"\xff\xd9"
_TRAILER_BYTES = 16  # padding to even length, and what some encoders append
_SIZ = b"\xff\x4f\xff\x51"  # JPEG 2000: start of codestream, then the size marker

logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its messages quote header values


def parse_dicom(content: bytes, policy: AdmitSettings) -> Dataset | Refusal:
    """Parse a file of PS3.10, or a bare data set as old archives write it."""
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
    return _with_pixels(dataset)


def _with_pixels(dataset: Dataset) -> Dataset | Refusal:
    modality = str(dataset.get("Modality", "")).upper()
    if modality in _NO_IMAGE:
        return Refusal(Reason.FORMAT_NO_PIXELS, f"Its modality is {modality}.")
    if not any(name in dataset for name in _PIXELS):
        announced = ("Rows" in dataset and "Columns" in dataset) or "Image Storage" in UID(dataset.SOPClassUID).name
        return Refusal(Reason.FORMAT_TRUNCATED if announced else Reason.FORMAT_NO_PIXELS)
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


def frames_of(dataset: Dataset) -> int:
    """NumberOfFrames, 1 where it is absent (PS3.3 C.7.6.6)."""
    return int(dataset.get("NumberOfFrames", 1) or 1)


def check_header(dataset: Dataset, policy: AdmitSettings) -> Refusal | None:
    """The part of the compliance policy that the header alone decides."""
    photometric = str(dataset.get("PhotometricInterpretation") or "")
    area = int(dataset.Rows) * int(dataset.Columns) * frames_of(dataset)
    rules: tuple[tuple[bool, Reason], ...] = (
        (area > policy.max_pixels, Reason.FORMAT_TOO_LARGE),
        (frames_of(dataset) > 1, Reason.COMPLIANCE_SPATIAL_RANK),
        (not photometric, Reason.FORMAT_CORRUPT),
        (not photometric.startswith("MONOCHROME"), Reason.COMPLIANCE_COLOUR),
        (int(dataset.SamplesPerPixel) != 1, Reason.COMPLIANCE_COLOUR),
        (int(dataset.get("BitsStored", 0) or dataset.BitsAllocated) < policy.min_bits, Reason.COMPLIANCE_BIT_DEPTH),
        (_says(dataset, "BurnedInAnnotation", "YES") and not policy.allow_burned_in, Reason.COMPLIANCE_BURNED_IN),
        (
            _says(dataset, "PresentationIntentType", "FOR PROCESSING") and not policy.allow_for_processing,
            Reason.COMPLIANCE_FOR_PROCESSING,
        ),
    )
    return next((Refusal(reason) for broken, reason in rules if broken), None)


def _says(dataset: Dataset, keyword: str, value: str) -> bool:
    return str(dataset.get(keyword, "")).strip().upper() == value


def decode_dicom(dataset: Dataset) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """Decode a grey single-frame image as a reader would see it.

    Modality LUT or rescale (PS3.3 C.11.1), then VOI LUT or window (C.11.2), MONOCHROME1 turned to MONOCHROME2.

    Returns:
        Shape [row, column]: uint8 where the file stores 8 bits and asks for no such step, else uint16 over the full
        range.
    """
    if _has_narrow_lut(dataset):
        return Refusal(Reason.FORMAT_UNSUPPORTED, "A look-up table has more entries than its own values can count.")
    if _codestream_differs(dataset):
        return Refusal(Reason.FORMAT_CORRUPT, "Header and codestream disagree on rows and columns.")
    try:
        stored = np.asarray(dataset.pixel_array)
        values = apply_voi_lut(apply_modality_lut(stored, dataset), dataset)
        padding = _padding(dataset, stored)
    except NotImplementedError:
        return Refusal(Reason.FORMAT_UNSUPPORTED)
    except Exception as error:  # noqa: BLE001 - whatever a file makes a codec raise
        return Refusal(_why_not_decoded(error))
    if values.ndim != 2 or not np.isfinite(values).all():  # noqa: PLR2004 - rows and columns
        return Refusal(Reason.FORMAT_CORRUPT, "Values are not finite, or the image has no area.")
    return _upright(values, padding, inverted=_says(dataset, "PhotometricInterpretation", "MONOCHROME1"))


def _has_narrow_lut(dataset: Dataset) -> bool:
    """A LUT of 8-bit values with more than 256 entries: pydicom 3.0 counts its entries in 8 bits and wraps around."""
    tables = [*dataset.get("ModalityLUTSequence", []), *dataset.get("VOILUTSequence", [])]
    descriptors = [table.LUTDescriptor for table in tables]  # PS3.3 C.11.1.1.1: entries (0 is 65,536), first, bits
    return any(bits == _BYTE and not 0 < entries <= 1 << _BYTE for entries, _, bits in descriptors)


def _codestream_differs(dataset: Dataset) -> bool:
    """Whether a JPEG 2000 codestream announces another size than the header: a bomb, or another picture's."""
    start = dataset.PixelData.find(_SIZ, 0, 4096) if "PixelData" in dataset else -1
    if start < 0 or not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return False
    # ISO/IEC 15444-1 A.5.1: Lsiz, Rsiz, then Xsiz, Ysiz, XOsiz, YOsiz
    x, y, x_offset, y_offset = struct.unpack_from(">4I", dataset.PixelData, start + len(_SIZ) + 4)
    return (x - x_offset, y - y_offset) != (int(dataset.Columns), int(dataset.Rows))


def _padding(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels are padding (PS3.3 C.7.5.1.1.2): they take no part in the picture's range."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit", value)
    low, high = sorted((int(value), int(limit)))
    return np.asarray((stored >= low) & (stored <= high))


def _why_not_decoded(error: Exception) -> Reason:
    text = str(error).lower()
    if isinstance(error, EOFError) or any(sign in text for sign in ("truncat", "less than expected", "end of")):
        return Reason.FORMAT_TRUNCATED
    if any(sign in text for sign in ("missing dependencies", "unsupported", "not supported")):
        return Reason.FORMAT_UNSUPPORTED
    return Reason.FORMAT_CORRUPT


def _upright(
    values: NDArray[Any], padding: NDArray[np.bool_], *, inverted: bool
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Brighter where denser, over the full range; padding is background."""
    if padding.all():
        return np.zeros(values.shape, np.uint16)
    if values.dtype == np.uint8:
        eight = np.asarray(~values if inverted else values)
        return np.asarray(np.where(padding, 0, eight), dtype=np.uint8)
    low, high = float(values[~padding].min()), float(values[~padding].max())
    scaled = np.clip((values.astype(np.float32) - low) * (_FULL / ((high - low) or 1.0)), 0, _FULL)
    return np.asarray(np.rint(np.where(padding, 0, _FULL - scaled if inverted else scaled)), dtype=np.uint16)
