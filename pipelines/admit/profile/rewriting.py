"""Puts values in the place of an object's pixel data, uncompressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import ExplicitVRBigEndian

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_GREY = 3
"""Axes of grey frames: frame, row, column."""
_BYTE = 8


def can_be_rewritten(dataset: Dataset, values: NDArray[Any]) -> bool:
    """Whether values are whole numbers of 8 bits or more in PixelData, colours of 16 at most (PS3.3 C.7.6.3.1.2)."""
    whole = values.dtype.kind in "ui" and int(dataset.BitsAllocated) >= _BYTE
    return "PixelData" in dataset and whole and (values.ndim == _GREY or values.dtype.itemsize <= 2)  # noqa: PLR2004


def rewrite_pixels(dataset: Dataset, values: NDArray[Any]) -> None:
    """Replace the pixels; the transfer syntax becomes an uncompressed one.

    Args:
        dataset: Changed in place.
        values: Shape [frame, row, column] as stored, or [frame, row, column, 3] in RGB.
    """
    colours = "RGB" if values.ndim > _GREY else str(dataset.PhotometricInterpretation)
    if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
        _write_big_endian(dataset, values, colours)
        return
    bits = int(dataset.get("BitsStored") or dataset.BitsAllocated)
    frames = values if len(values) > 1 or "NumberOfFrames" in dataset else values[0]
    dataset.set_pixel_data(np.ascontiguousarray(frames), colours, bits, generate_instance_uid=False)


def _write_big_endian(dataset: Dataset, values: NDArray[Any], colours: str) -> None:
    """Pydicom does not; bytes in words (OW) are swapped in pairs (PS3.5 8.2, retired A.3)."""
    dataset.PhotometricInterpretation = colours
    if values.ndim > _GREY:
        dataset.PlanarConfiguration = 0
    data = values.astype(values.dtype.newbyteorder(">")).tobytes()
    if values.dtype.itemsize == 1:
        data += b"\0" * (len(data) % 2)
        data = np.frombuffer(data, "u2").byteswap().tobytes() if dataset["PixelData"].VR == "OW" else data
    dataset["PixelData"].value = data
