"""Does a recipe's steps with OpenCV, one plain function a step."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipe import Clahe, Median, Recipe, Resize, ZScore
from sievert.errors import DataError

_PIXEL_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16))

Picture = NDArray[Any]


def apply_recipe(pixels: NDArray[np.uint8] | NDArray[np.uint16], recipe: Recipe) -> NDArray[np.float32]:
    """Turn one admitted picture into what the network reads.

    Steps run on the picture's own integers until the z-score, so an 8-bit picture is rounded exactly as
    OpenCV rounds it. A 16-bit one becomes 8-bit at CLAHE, see there.

    Args:
        pixels: Shape [row, column], uint8 or uint16 in any byte order; left untouched.
        recipe: What to do.

    Returns:
        Shape [1, row, column].

    Raises:
        DataError: `pixels` has another shape or type, or no pixel at all.
    """
    picture = _checked(pixels)
    for step in recipe.steps:
        picture = _apply(step, picture)
    return np.ascontiguousarray(picture, dtype=np.float32)[None]


def _checked(pixels: Picture) -> Picture:
    native = pixels.dtype.newbyteorder("=")
    if pixels.ndim != 2 or pixels.size == 0 or native not in _PIXEL_TYPES:  # noqa: PLR2004 - rows and columns
        raise DataError(f"a picture has shape [row, column] and 8 or 16 bits, not {pixels.shape} {native}")
    return np.ascontiguousarray(pixels, dtype=native)


@singledispatch
def _apply(step: object, picture: Picture) -> Picture:
    raise TypeError(f"no step {type(step).__name__}, for {picture.shape}")


@_apply.register
def _(step: Median, picture: Picture) -> Picture:
    if min(picture.shape) < step.min_side_px:
        return picture
    return cast("Picture", cv2.medianBlur(picture, step.size_px))


@_apply.register
def _(step: Clahe, picture: Picture) -> Picture:
    if min(picture.shape) < step.min_side_px:
        return picture
    # Made anew for each picture: it keeps buffers and so must not be shared by threads, and making it costs a few µs.
    clahe = cv2.createCLAHE(step.clip_limit, (step.tiles, step.tiles))
    return cast("Picture", clahe.apply(_eight_bit(picture)))


@_apply.register
def _(step: Resize, picture: Picture) -> Picture:
    rows, columns = picture.shape
    if (rows, columns) == (step.rows, step.columns):
        return picture
    shrinks = step.rows <= rows and step.columns <= columns
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast("Picture", cv2.resize(picture, (step.columns, step.rows), interpolation=how))


@_apply.register
def _(step: ZScore, picture: Picture) -> Picture:
    values = picture.astype(np.float32)
    return cast("Picture", (values - values.mean()) / (values.std() + step.epsilon))


def _eight_bit(picture: Picture) -> Picture:
    # Over 65,536 bins a clip limit cuts nothing or everything; from the picture's own range to 256 levels
    # it means the same for 10, 12 and 16 stored bits. Pixels that are 8-bit already go through as they are.
    if picture.dtype == np.uint8:
        return picture
    return cast("Picture", cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX, dtype=cv2.CV_8U))
