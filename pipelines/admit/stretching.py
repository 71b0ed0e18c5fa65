"""Makes a picture of values that have no scale of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FULL = 65_535
_PLANE = 2


def stretched_picture(values: NDArray[np.float64]) -> NDArray[np.uint16] | Refusal:
    """Values over their own range.

    Args:
        values: Shape [row, column].

    Returns:
        The same shape, 0 … 65,535; or why there is no picture.
    """
    if values.ndim != _PLANE or values.size == 0 or not np.isfinite(values).all():
        return Refusal(Reason.FORMAT_CORRUPT, "Values are not finite, or the image has no area.")
    low, span = values.min(), float(np.ptp(values)) or 1.0
    return np.asarray(np.rint((values - low) / span * _FULL), dtype=np.uint16)
