"""Where slices lie: order, gaps and tilt, from position and orientation alone (PS3.3 C.7.6.2.1.1).

Instance numbers, slice locations and nominal thicknesses are not believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EVEN_MM = 0.01
"""By how much distances between slices may differ from each other and still be one distance."""
SAME_DIRECTION = 1e-3
"""By how much components of two unit vectors may differ and still be one direction."""
UPRIGHT_DEG = 0.1


@dataclass(frozen=True, slots=True)
class Plane:
    """Where one slice lies.

    Attributes:
        position: Of the centre of its first pixel: x, y, z in mm, LPS.
        along_row: Unit vector in which the column index grows.
        along_column: Unit vector in which the row index grows.
        row_mm: Distance between the centres of rows.
        column_mm: Distance between the centres of columns.
        shape: Rows and columns.
    """

    position: NDArray[np.float64]
    along_row: NDArray[np.float64]
    along_column: NDArray[np.float64]
    row_mm: float
    column_mm: float
    shape: tuple[int, int]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector at right angles to the slice."""
        return np.cross(self.along_row, self.along_column)

    def is_parallel_to(self, other: Plane) -> bool:
        """Whether both have one orientation, one spacing and one size."""
        turned = max(
            np.abs(self.along_row - other.along_row).max(), np.abs(self.along_column - other.along_column).max()
        )
        spacing = max(abs(self.row_mm - other.row_mm), abs(self.column_mm - other.column_mm))
        return bool(turned < SAME_DIRECTION and spacing < EVEN_MM / max(self.shape) and self.shape == other.shape)


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel planes in order.

    Attributes:
        planes: From the lowest to the highest along the normal.
        order: Of the planes as they were given.
    """

    planes: tuple[Plane, ...]
    order: tuple[int, ...] = field(repr=False)

    @property
    def offsets(self) -> NDArray[np.float64]:
        """Shape [plane, 3]: from the first plane along its rows, its columns and its normal, in mm."""
        first = self.planes[0]
        axes = np.stack([first.along_row, first.along_column, first.normal], axis=1)
        return np.stack([plane.position - first.position for plane in self.planes]) @ axes

    @property
    def gaps_mm(self) -> tuple[float, ...]:
        """Distances between neighbours along the normal."""
        return tuple(float(gap) for gap in np.diff(self.offsets[:, 2]))

    @property
    def tilt_deg(self) -> float:
        """Angle between the normal and the way from the first to the last slice: the gantry's tilt, of CT."""
        way = self.offsets[-1]
        return float(np.degrees(np.arctan2(np.hypot(way[0], way[1]), way[2]))) if len(self.planes) > 1 else 0.0

    @property
    def is_even(self) -> bool:
        """Whether one step leads from each slice to the next."""
        steps = np.diff(self.offsets, axis=0)
        return not len(steps) or bool(np.abs(steps - steps.mean(axis=0)).max() <= EVEN_MM)

    @property
    def is_upright(self) -> bool:
        """Whether slices lie straight above each other."""
        return self.tilt_deg < UPRIGHT_DEG


def stack_planes(planes: Sequence[Plane]) -> Stack | str:
    """Put planes in order, or say why they are no stack."""
    first = planes[0]
    if not all(first.is_parallel_to(plane) for plane in planes):
        return "Its slices differ in orientation, spacing or size."
    heights = [float((plane.position - first.position) @ first.normal) for plane in planes]
    order = tuple(int(place) for place in np.argsort(heights, kind="stable"))
    if any(heights[after] - heights[before] < EVEN_MM for before, after in pairwise(order)):
        return "Several of its slices lie in one place."
    return Stack(tuple(planes[place] for place in order), order)
