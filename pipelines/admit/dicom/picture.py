"""Decodes a grey single-frame DICOM object to the picture that a reader would see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.pixels.processing import apply_voi_lut

from pipelines.admit.colour import grey_of_colour
from pipelines.admit.dicom.frames import attempted, decode_frames, decode_stored, is_colour, rescaled
from pipelines.admit.dicom.header import says
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_FULL = 65_535
_PLANE = 2
_MOST_VALUES = 1 << 16


def decode_dicom(dataset: Dataset) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """Decode a single-frame image as a reader would see it; what is stored in colour must show none.

    Modality LUT or rescale (PS3.3 C.11.1), then VOI LUT or window (C.11.2), MONOCHROME1 turned to MONOCHROME2.

    Returns:
        Shape [row, column]: uint8 where the file stores 8 bits and asks for no such step, else uint16 over the full
        range.
    """
    if is_colour(dataset):
        coloured = decode_frames(dataset)
        return coloured if isinstance(coloured, Refusal) else _grey(coloured[0])
    stored = decode_stored(dataset)
    return stored if isinstance(stored, Refusal) else _seen(dataset, stored)


def _grey(coloured: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    if coloured.dtype not in (np.uint8, np.uint16):
        return Refusal(Reason.FORMAT_UNSUPPORTED, "Its colours have more than 16 bits a sample.")
    return grey_of_colour(coloured)


def _seen(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """What is done to a value is worked out once for each value that there can be, not for each pixel."""
    frame = stored[0]
    if frame.ndim != _PLANE or frame.size == 0:
        return Refusal(Reason.FORMAT_CORRUPT, "The image has no area.")
    base = int(frame.min()) if frame.dtype.kind in "iu" else 0
    if frame.dtype.kind not in "iu" or int(frame.max()) - base >= _MOST_VALUES:
        return _shown(dataset, frame, present=np.True_)
    domain = np.arange(base, int(frame.max()) + 1).astype(frame.dtype)[np.newaxis]
    place = frame.astype(np.intp) - base
    present = np.bincount(place.ravel(), minlength=domain.size)[np.newaxis] > 0
    table = _shown(dataset, domain, present=present)
    return table if isinstance(table, Refusal) else np.take(table[0], place)


def _shown(
    dataset: Dataset, values: NDArray[Any], *, present: NDArray[np.bool_] | np.bool_
) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """Stored values, shape [row, column], as a reader sees them; only present ones take part in the range."""
    meant = attempted(lambda: np.asarray(apply_voi_lut(rescaled(dataset, values[np.newaxis])[0], dataset)))
    padding = attempted(lambda: padding_of(dataset, values))
    if isinstance(meant, Refusal) or isinstance(padding, Refusal):
        return Refusal(Reason.FORMAT_CORRUPT)
    if not np.isfinite(meant).all():
        return Refusal(Reason.FORMAT_CORRUPT, "Values are not finite.")
    return _upright(
        meant, padding, present & ~padding, inverted=says(dataset, "PhotometricInterpretation", "MONOCHROME1")
    )


def padding_of(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels are padding (PS3.3 C.7.5.1.1.2): they take no part in the picture's range."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit", value)
    low, high = sorted((int(value), int(limit)))
    return np.asarray((stored >= low) & (stored <= high))


def _upright(
    values: NDArray[Any], padding: NDArray[np.bool_], counted: NDArray[np.bool_], *, inverted: bool
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Brighter where denser, over the full range of what is counted; padding is background."""
    if not counted.any():
        return np.zeros(values.shape, np.uint16)
    if values.dtype == np.uint8:
        eight = np.asarray(~values if inverted else values)
        return np.asarray(np.where(padding, 0, eight), dtype=np.uint8)
    low, high = float(values[counted].min()), float(values[counted].max())
    scaled = np.clip((values.astype(np.float32) - low) * (_FULL / ((high - low) or 1.0)), 0, _FULL)
    return np.asarray(np.rint(np.where(padding, 0, _FULL - scaled if inverted else scaled)), dtype=np.uint16)
