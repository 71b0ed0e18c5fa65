"""How a Grad-CAM map is written into a sealed record, and read from it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.preprocess.framing import Part

_LEVELS, _FINER = 255, 16

LARGEST_SIDE = 14
"""Values along a side of a kept map: a larger one would not fit the room that hides from a record's length what was
decided (see `pipelines.results.rows`), and says little more."""


def lay_map(heat: NDArray[np.float32], part: Part) -> NDArray[np.float32]:
    """A map of a part of an image as one of the whole image; what the network did not see is cold.

    Args:
        heat: Shape [row, column], 0 to 1.
        part: Start and stop of rows and of columns, as shares of the image; they may lie outside of it.

    Returns:
        The same map where the part is the whole; else shape [`LARGEST_SIDE`, `LARGEST_SIDE`], its largest value 1.
    """
    if all(axis == (0, 1) for axis in part):
        return heat
    rows, columns = (_along(axis, side) for axis, side in zip(part, heat.shape, strict=True))
    grid = np.meshgrid(columns, rows)
    fine = cv2.remap(heat, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    outside = [(at < -1 / 2) | (at > side - 1 / 2) for at, side in zip((rows, columns), heat.shape, strict=True)]
    fine[outside[0][:, np.newaxis] | outside[1]] = 0
    laid = cv2.resize(fine, (LARGEST_SIDE, LARGEST_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(laid / (laid.max() or 1), dtype=np.float32)


def _along(axis: tuple[float, float], side: int) -> NDArray[np.float32]:
    """Where points of the whole image, many for one value that is kept, lie between the values of a part's map."""
    points = (np.arange(LARGEST_SIDE * _FINER) + 1 / 2) / (LARGEST_SIDE * _FINER)
    return np.asarray((points - axis[0]) / (axis[1] - axis[0]) * side - 1 / 2, dtype=np.float32)


def shrink_map(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map with at most `LARGEST_SIDE` values along a side, by means over areas; its largest value is 1 again.

    Args:
        heat: Shape [row, column], 0 to 1.
    """
    if max(heat.shape) <= LARGEST_SIDE:
        return heat
    rows, columns = (max(1, round(side * LARGEST_SIDE / max(heat.shape))) for side in heat.shape)
    small = cv2.resize(heat, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small / (small.max() or 1), dtype=np.float32)


def write_explanation(heat: NDArray[np.float32], *, target: str) -> dict[str, Any]:
    """A map for a record: its values as bytes, 0 … 255 for 0 … 1, in base64.

    Args:
        heat: Shape [row, column], 0 to 1.
        target: The label that it speaks for.
    """
    levels = np.rint(heat * _LEVELS).astype(np.uint8)
    return {
        "method": "Grad-CAM",
        "target": target,
        "shape": list(levels.shape),
        "values_base64": base64.b64encode(levels.tobytes()).decode(),
    }


def read_explanation(explanation: dict[str, Any]) -> NDArray[np.float32]:
    """The map of a record, shape [row, column], 0 to 1.

    Raises:
        IntegrityError: It is not what `write_explanation` writes.
    """
    try:
        levels = np.frombuffer(base64.b64decode(explanation["values_base64"]), np.uint8)
        return np.asarray(levels.reshape(explanation["shape"]) / _LEVELS, dtype=np.float32)
    except (KeyError, ValueError, TypeError) as error:
        raise IntegrityError("a record's explanation cannot be read") from error
