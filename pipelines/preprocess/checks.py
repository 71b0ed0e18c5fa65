"""What the steps of a recipe have in common: kinds of pictures, and the way back to integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sievert.errors import DataError

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Picture: TypeAlias = NDArray[Any]

_PLANE = 2


def refuse_volume(name: str, picture: Picture) -> None:
    """Raise where a step of pictures meets a volume.

    Raises:
        DataError: It does.
    """
    if picture.ndim != _PLANE:
        raise DataError(f"the step {name} works on pictures, not on volumes")


def eight_bit(picture: Picture) -> NDArray[np.uint8]:
    """A picture over 256 levels, from its own range unless it has 8 bits already.

    Over 65,536 bins a clip limit cuts nothing or everything; from the picture's own range to 256 levels it means the
    same for 10, 12 and 16 stored bits.
    """
    if picture.dtype == np.uint8:
        return picture
    return np.asarray(cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX, dtype=cv2.CV_8U), np.uint8)


def like(values: Picture, picture: Picture) -> Picture:
    """Computed values as the picture's own type: rounded and clipped where that is an integer."""
    if picture.dtype.kind == "f":
        return values.astype(picture.dtype)
    limits = np.iinfo(picture.dtype)
    return np.asarray(np.rint(values).clip(limits.min, limits.max).astype(picture.dtype))
