"""Reads a DICOM object: parse, tell what it is, decode its picture."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import MediaStorageDirectoryStorage

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

logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its messages quote header values


def parse_dicom(content: bytes) -> Dataset | Refusal:
    """Parse a file of PS3.10, or a bare data set as old archives write it."""
    try:
        return _checked(pydicom.dcmread(io.BytesIO(content), force=content[128:132] != b"DICM"))
    except EOFError:
        return Refusal(Reason.FORMAT_TRUNCATED)
    except Exception:  # noqa: BLE001 - whatever a file makes the parser raise
        return Refusal(Reason.FORMAT_CORRUPT)


def _checked(dataset: pydicom.FileDataset) -> Dataset | Refusal:
    media = dataset.file_meta.get("MediaStorageSOPClassUID") if hasattr(dataset, "file_meta") else None
    if media == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in dataset:
        return Refusal(Reason.FORMAT_NO_PIXELS, "It is a DICOMDIR.")
    if "SOPClassUID" not in dataset and media is None:
        return Refusal(Reason.FORMAT_UNKNOWN if not dataset.preamble else Reason.FORMAT_CORRUPT)
    return _with_pixels(dataset)


def _with_pixels(dataset: Dataset) -> Dataset | Refusal:
    modality = str(dataset.get("Modality", "")).upper()
    if modality in _NO_IMAGE:
        return Refusal(Reason.FORMAT_NO_PIXELS, f"Its modality is {modality}.")
    if not any(name in dataset for name in _PIXELS):
        announced = "Rows" in dataset and "Columns" in dataset
        return Refusal(Reason.FORMAT_TRUNCATED if announced else Reason.FORMAT_NO_PIXELS)
    if missing := [name for name in ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel") if not dataset.get(name)]:
        return Refusal(Reason.FORMAT_CORRUPT, f"Missing: {', '.join(missing)}.")
    return Refusal(Reason.FORMAT_TRUNCATED) if _is_short(dataset) else dataset


def _is_short(dataset: Dataset) -> bool:
    """Whether uncompressed pixel data holds fewer bytes than the header announces (PS3.5 8.1)."""
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if "PixelData" not in dataset or (syntax is not None and syntax.is_compressed and not syntax.is_deflated):
        return False
    samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel) * frames_of(dataset)
    subsampled = 2 / 3 if str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422" else 1
    return len(dataset.PixelData) < int(samples * subsampled * int(dataset.BitsAllocated) / _BYTE)


def frames_of(dataset: Dataset) -> int:
    """NumberOfFrames, 1 where it is absent (PS3.3 C.7.6.6)."""
    return int(dataset.get("NumberOfFrames", 1) or 1)


def check_header(dataset: Dataset, policy: AdmitSettings) -> Refusal | None:
    """The part of the compliance policy that the header alone decides."""
    area = int(dataset.Rows) * int(dataset.Columns) * frames_of(dataset)
    rules: tuple[tuple[bool, Reason], ...] = (
        (area > policy.max_pixels, Reason.FORMAT_TOO_LARGE),
        (frames_of(dataset) > 1, Reason.COMPLIANCE_SPATIAL_RANK),
        (not str(dataset.get("PhotometricInterpretation", "")).startswith("MONOCHROME"), Reason.COMPLIANCE_COLOUR),
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
    try:
        values = apply_voi_lut(apply_modality_lut(np.asarray(dataset.pixel_array), dataset), dataset)
    except NotImplementedError:
        return Refusal(Reason.FORMAT_UNSUPPORTED)
    except Exception as error:  # noqa: BLE001 - whatever a file makes a codec raise
        return Refusal(_why_not_decoded(error))
    if values.ndim != 2 or not np.isfinite(values).all():  # noqa: PLR2004 - rows and columns
        return Refusal(Reason.FORMAT_CORRUPT, "Values are not finite, or the image has no area.")
    return _upright(values, inverted=_says(dataset, "PhotometricInterpretation", "MONOCHROME1"))


def _why_not_decoded(error: Exception) -> Reason:
    text = str(error).lower()
    if isinstance(error, EOFError) or any(sign in text for sign in ("truncat", "less than expected", "end of")):
        return Reason.FORMAT_TRUNCATED
    if any(sign in text for sign in ("plugin", "missing dependencies", "unsupported", "not supported")):
        return Reason.FORMAT_UNSUPPORTED
    return Reason.FORMAT_CORRUPT


def _upright(values: NDArray[Any], *, inverted: bool) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if values.dtype == np.uint8:
        return np.asarray(~values if inverted else values)
    low, high = float(values.min()), float(values.max())
    scaled = (values.astype(np.float32) - low) * (_FULL / ((high - low) or 1.0))
    return np.asarray(np.rint(_FULL - scaled if inverted else scaled), dtype=np.uint16)
