"""Where to cut to what is shown, and how to lay it into a square or a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipelines.preprocess.checks import eight_bit
from pipelines.preprocess.framing import whole_frame
from sievert.errors import DataError

if TYPE_CHECKING:
    from models.recipe import Crop, Fit, Pad
    from pipelines.preprocess.checks import Picture
    from pipelines.preprocess.framing import Frame


def crop(step: Crop, picture: Picture) -> Frame:
    """The bounding box of the largest bright part; the whole picture where that is next to nothing."""
    from scipy import ndimage

    flat = eight_bit(picture.reshape(picture.shape[0], -1))
    level, _ = cv2.threshold(flat, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    parts, number = ndimage.label(flat.reshape(picture.shape) > level)
    sizes = np.bincount(parts.ravel(), minlength=2)[1:]
    if not number or sizes.max() < step.least * picture.size:
        return whole_frame(picture)
    box = ndimage.find_objects(parts)[int(sizes.argmax())]
    return widened(box, picture, step.margin)


def widened(box: tuple[slice, ...], picture: Picture, margin: float) -> Frame:
    """A box with a margin, as a share of its own sides, as far as the picture reaches."""
    more = [round((part.stop - part.start) * margin) for part in box]
    axes = zip(box, picture.shape, more, strict=True)
    return tuple((max(0, part.start - extra), min(side, part.stop + extra)) for part, side, extra in axes)


def pad(step: Pad, picture: Picture) -> Frame:  # noqa: ARG001 - one signature for all steps
    """A square or cube around the picture; the odd row or column goes behind."""
    most = max(picture.shape)
    return tuple((-((most - side) // 2), most - (most - side) // 2) for side in picture.shape)


def fit(step: Fit, picture: Picture) -> Frame:
    """The size around the picture's middle; the odd row or column goes behind.

    Raises:
        DataError: The step is one of volumes and the image a picture, or the other way round.
    """
    if len(step.shape) != picture.ndim:
        raise DataError(f"a recipe that gives {len(step.shape)} dimensions cannot read {picture.ndim}")
    starts = [int((side - asked) / 2) for side, asked in zip(picture.shape, step.shape, strict=True)]
    return tuple((start, start + asked) for start, asked in zip(starts, step.shape, strict=True))
