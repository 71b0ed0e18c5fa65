"""What a decoder makes of a file: the picture that a reader sees, and what else a recipe may ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLANE = 2


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image.

    Attributes:
        pixels: A picture, shape [row, column], uint8 or uint16, brighter where the body is denser; or a volume, shape
            [slice, row, column], float32, in its own units.
        values: Of a picture: the same places in the image's own units, float32; None where the format has none.
        spacing_mm: How far apart rows and columns, or slices, rows and columns, lie; None where the file does not say.
    """

    pixels: NDArray[Any] = field(repr=False)
    values: NDArray[np.float32] | None = field(default=None, repr=False)
    spacing_mm: tuple[float, ...] | None = None

    def read(self, *, in_units: bool) -> NDArray[Any] | Refusal:
        """What a recipe begins with.

        Args:
            in_units: Whether it begins with values in their own units; volumes have them always.
        """
        if not in_units or self.pixels.ndim != _PLANE:
            return self.pixels
        return Refusal(Reason.COMPLIANCE_NO_UNITS) if self.values is None else self.values
