"""Resamples pictures and volumes, to a size or to a distance in mm: by area when they shrink, else linearly."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from models.recipe import Resample
from sievert.errors import DataError
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recipe import Recipe, Step

    Spacing = tuple[float, ...] | None

_PLANE = 2
_MOST_SIDE = 1 << 15
_MOST_AREA = 1 << 28
"""A thousand million bytes of float32: what a wrong distance in a header may at most ask for."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """`Resample` on one image, whose own distance is known.

    Attributes:
        factors: How many pixels come out of one, an axis.
        step: The step's name.
    """

    factors: tuple[float, ...]
    step: str = "resample"


def refuse_spacing(recipe: Recipe, shape: tuple[int, ...], spacing_mm: Spacing) -> Refusal | None:
    """Why an image cannot be brought to the distance that a recipe asks for; None where it can, or none is asked for.

    Args:
        recipe: What would be done.
        shape: Of the image: rows and columns, or slices, rows and columns.
        spacing_mm: Of the image, an axis, in mm; None where it says none.
    """
    asked = recipe.spacing_mm
    if asked is None:
        return None
    if spacing_mm is None or not len(asked) == len(shape) == len(spacing_mm):
        return Refusal(Reason.COMPLIANCE_NO_SPACING)
    sides = [side * own / mm for side, own, mm in zip(shape, spacing_mm, asked, strict=True)]
    if not all(1 <= side < _MOST_SIDE for side in sides) or prod(sides) > _MOST_AREA:
        return Refusal(Reason.COMPLIANCE_NO_SPACING, "Resampled, it would have no pixel, or too many.")
    return None


def bind_spacing(step: Step, spacing_mm: Spacing) -> Step | Scaling:
    """A resampling as what it is on one image; every other step as it is.

    Raises:
        DataError: The image has no distance, or one of another kind of image.
    """
    if not isinstance(step, Resample):
        return step
    if spacing_mm is None or len(spacing_mm) != len(step.spacing_mm):
        raise DataError("the step resample needs to know how far apart the image's pixels lie, in mm")
    return Scaling(tuple(own / mm for own, mm in zip(spacing_mm, step.spacing_mm, strict=True)))


def scale(step: Scaling, picture: NDArray[Any]) -> NDArray[Any]:
    """Resample by a factor an axis; at least one pixel is left of each.

    Raises:
        DataError: The step is one of volumes and the image a picture, or the other way round.
    """
    if len(step.factors) != picture.ndim:
        raise DataError(f"a recipe that resamples {len(step.factors)} dimensions cannot read {picture.ndim}")
    pairs = zip(picture.shape, step.factors, strict=True)
    shape = tuple(max(1, round(side * factor)) for side, factor in pairs)
    if shape == picture.shape:
        return picture
    return resize_picture(picture, shape) if picture.ndim == _PLANE else resize_volume(picture, shape)


def resize_picture(picture: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Resample to rows and columns, by area when that shrinks both sides, else linearly.

    Args:
        picture: Shape [row, column], uint8, uint16 or float32.
        shape: Rows and columns afterwards.

    Returns:
        Of `shape`, the same type.
    """
    (rows, columns), old = shape, picture.shape
    shrinks = rows <= old[0] and columns <= old[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast("NDArray[Any]", cv2.resize(picture, (columns, rows), interpolation=how))


def resize_volume(volume: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Resample to slices, rows and columns; in the plane first, then across it, each by `resize_picture`'s rule.

    Args:
        volume: Shape [slice, row, column], uint8, uint16 or floating point.
        shape: Slices, rows and columns afterwards.

    Returns:
        Of `shape`, the same type; integers are rounded once.
    """
    slices, *plane = shape
    flat = np.stack([resize_picture(cut.astype(np.float32), tuple(plane)) for cut in volume]).reshape(len(volume), -1)
    resampled = resize_picture(flat, (slices, flat.shape[1])).reshape(shape)
    values = resampled if volume.dtype.kind == "f" else np.rint(resampled)
    return np.asarray(values, dtype=volume.dtype)  # neither rule leaves the range of what it is given
