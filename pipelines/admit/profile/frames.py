"""Takes what is no picture out of pixel data: comments of codestreams, spare bits, bytes behind the last frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from pipelines.admit.dicom.frames import decode_stored
from pipelines.admit.dicom.parsing import PIXELS, frames_of
from pipelines.admit.profile.codestreams import clean_jpeg, clean_jpeg2000
from pipelines.admit.profile.rewriting import can_be_rewritten, rewrite_pixels
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless)
_JPEG2000 = (JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)
_CLEANERS: dict[UID, Callable[[bytes], bytes]] = {
    **dict.fromkeys(_JPEG, clean_jpeg),
    **dict.fromkeys(_JPEG2000, clean_jpeg2000),
}
_TABLES = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_BYTE = 8


def clean_pixel_bytes(dataset: Dataset) -> bool | Refusal:
    """Leave nothing in pixel data but the picture; its values stay as they are.

    Args:
        dataset: Changed in place. Where nothing tells in the codestream what is no picture (RLE, JP2 files in DICOM),
            the pixels are uncompressed afterwards.

    Returns:
        Whether there was anything to clean, or why that is not possible.
    """
    before = _pixels(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated and not _clean_encapsulated(dataset, syntax):
        return _unpacked(dataset)
    if not syntax.is_encapsulated:
        _cut(dataset)
        _clear_spare_bits(dataset)
    return _pixels(dataset) != before


def _pixels(dataset: Dataset) -> bytes:
    return bytes(next(dataset[name].value for name in PIXELS if name in dataset))


def _clean_encapsulated(dataset: Dataset, syntax: UID) -> bool:
    """Whether every frame could be followed to its end, and was cleaned."""
    cleaner = _CLEANERS.get(syntax)
    try:
        found = generate_frames(dataset.PixelData, number_of_frames=frames_of(dataset))
        frames = [cleaner(frame) for frame in found] if cleaner else []
    except ValueError:
        return False
    if frames:
        dataset.PixelData = encapsulate(frames)
    for table in _TABLES:  # the frames lie elsewhere now; the basic offset table says where
        if table in dataset:
            del dataset[table]
    return bool(frames)


def _unpacked(dataset: Dataset) -> bool | Refusal:
    values = decode_stored(dataset)
    if isinstance(values, Refusal):
        return values
    if not can_be_rewritten(dataset, values):
        return Refusal(Reason.FORMAT_UNSUPPORTED, "Its transfer syntax may hold text besides the picture.")
    rewrite_pixels(dataset, values)
    return True


def _cut(dataset: Dataset) -> None:
    """Drop what stands behind the last frame (PS3.5 8.1.1 knows one byte of padding)."""
    name = next(name for name in PIXELS if name in dataset)
    length, data = get_expected_length(dataset), dataset[name].value
    if len(data) > length + length % 2:
        dataset[name].value = data[:length] + b"\0" * (length % 2)


def _clear_spare_bits(dataset: Dataset) -> None:
    """Bits around the stored ones held overlays once (PS3.5 8.1.2); signed values go on with their sign."""
    allocated, stored = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    if "PixelData" not in dataset or allocated not in (8, 16, 32) or not 0 < stored < allocated:
        return
    kind = _stored_kind(dataset, allocated)
    values = np.frombuffer(dataset.PixelData, kind)
    below = max(0, int(dataset.get("HighBit", stored - 1)) - stored + 1)
    up = max(0, allocated - stored - below)
    cleared = (((values << up) >> (up + below)) << below).astype(kind)
    if not np.array_equal(cleared, values):
        dataset.PixelData = cleared.tobytes()


def _stored_kind(dataset: Dataset, allocated: int) -> np.dtype[Any]:
    big = dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    return np.dtype(f"{'>' if big else '<'}{'i' if dataset.get('PixelRepresentation') else 'u'}{allocated // _BYTE}")
