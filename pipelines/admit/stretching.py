"""Makes pictures and volumes of values that have no scale of their own, where they are finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NOTHING = "Values are not finite, or the image has no area."
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
        return Refusal(Reason.FORMAT_CORRUPT, _NOTHING)
    low, span = values.min(), float(np.ptp(values)) or 1.0
    return np.asarray(np.rint((values - low) / span * _FULL), dtype=np.uint16)


def finite_volume(values: NDArray[Any]) -> NDArray[np.float32] | Refusal:
    """Values as they are, in 32 bits.

    Args:
        values: Shape [slice, row, column].

    Returns:
        The same shape; or why there is no volume.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        narrow = values.astype(np.float32)
    if narrow.size == 0 or not np.isfinite(narrow).all():
        return Refusal(Reason.FORMAT_CORRUPT, _NOTHING)
    return np.ascontiguousarray(narrow)
