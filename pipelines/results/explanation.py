"""How a Grad-CAM map is written into a sealed record, and read from it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = 255


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
