"""Cuts to what is shown, and lays it into a square or a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipelines.preprocess.checks import eight_bit
from sievert.errors import DataError

if TYPE_CHECKING:
    from models.recipe import Crop, Fit, Pad
    from pipelines.preprocess.checks import Picture


def crop(step: Crop, picture: Picture) -> Picture:
    """To the bounding box of the largest bright part; the picture stays whole where that is next to nothing."""
    from scipy import ndimage

    flat = eight_bit(picture.reshape(picture.shape[0], -1))
    level, _ = cv2.threshold(flat, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    parts, number = ndimage.label(flat.reshape(picture.shape) > level)
    if not number:
        return picture
    sizes = np.bincount(parts.ravel())[1:]
    if sizes.max() < step.least * picture.size:
        return picture
    box = ndimage.find_objects(parts)[int(sizes.argmax())]
    sides = zip(box, picture.shape, strict=True)
    return np.ascontiguousarray(picture[tuple(widened(part, side, step.margin) for part, side in sides)])


def widened(part: slice, side: int, margin: float) -> slice:
    """A part of a side with a margin, as a share of the part, before and behind it, as far as the side reaches."""
    more = round((part.stop - part.start) * margin)
    return slice(max(0, part.start - more), min(side, part.stop + more))


def pad(step: Pad, picture: Picture) -> Picture:  # noqa: ARG001 - one signature for all steps
    """With the picture's darkest value; the odd row or column goes behind."""
    most = max(picture.shape)
    around = [((most - side) // 2, (most - side + 1) // 2) for side in picture.shape]
    return np.pad(picture, around, constant_values=picture.min())


def fit(step: Fit, picture: Picture) -> Picture:
    """Around the middle, with the picture's darkest value where it is too small; the odd row or column goes behind."""
    if len(step.shape) != picture.ndim:
        raise DataError(f"a recipe that gives {len(step.shape)} dimensions cannot read {picture.ndim}")
    sides = list(zip(picture.shape, step.shape, strict=True))
    starts = [max(0, (side - asked) // 2) for side, asked in sides]
    inner = picture[tuple(slice(start, start + asked) for start, (_, asked) in zip(starts, sides, strict=True))]
    missing = [max(0, asked - side) for side, asked in sides]
    around = [(less // 2, (less + 1) // 2) for less in missing]
    return np.pad(inner, around, constant_values=picture.min())
