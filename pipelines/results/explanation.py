"""How a Grad-CAM map is written into a sealed record, and read from it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = 255

LARGEST_SIDE = 14
"""Values along a side of a kept map: a larger one would not fit the room that hides from a record's length what was
decided (see `pipelines.results.rows`), and says little more."""


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
