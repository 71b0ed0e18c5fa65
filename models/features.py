"""Tells a feature map that a network can have seen something in from one that it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sievert.records import Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_features(features: NDArray[np.float32]) -> Reason | None:
    """Why a feature map is invalid, or None where it is valid.

    Args:
        features: Shape [channel, row, column], one image's last feature map.

    Returns:
        `FEATURES_NOT_FINITE` where a value is NaN or infinite, `FEATURES_CONSTANT` where all values are
        one (an empty map counts as such).
    """
    if not np.isfinite(features).all():
        return Reason.FEATURES_NOT_FINITE
    if features.size == 0 or features.min() == features.max():
        return Reason.FEATURES_CONSTANT
    return None
