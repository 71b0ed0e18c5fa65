"""Resamples pictures and volumes: by area when they shrink, else linearly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        volume: Shape [slice, row, column], uint8 or uint16.
        shape: Slices, rows and columns afterwards.

    Returns:
        Of `shape`, the same type, rounded once.
    """
    slices, *plane = shape
    flat = np.stack([resize_picture(cut.astype(np.float32), tuple(plane)) for cut in volume]).reshape(len(volume), -1)
    resampled = resize_picture(flat, (slices, flat.shape[1])).reshape(shape)
    return np.asarray(np.rint(resampled), dtype=volume.dtype)  # neither rule leaves the range of what it is given
