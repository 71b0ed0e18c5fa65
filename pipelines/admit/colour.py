"""Grey pictures that are stored in colour, as much of ultrasound and every second export is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCE = 2  # JPEG's rounding of Y, Cb and Cr back to R, G and B


def grey_of_colour(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """The one channel of a picture that is grey though stored in colour, or a refusal.

    Args:
        pixels: Shape [row, column, channel], of 1 to 4 channels; the fourth is alpha, no anatomy, and dropped.
    """
    first, *others = cv2.split(pixels)[:3]
    if any(cv2.norm(first, other, cv2.NORM_INF) > _TOLERANCE for other in others):
        return Refusal(Reason.COMPLIANCE_COLOUR)
    return np.asarray(others[0] if others else first)
