"""Makes a volume of a stack of slices, resampled where they do not lie on a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import affine_transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.admit.series.geometry import Plane, Stack

_ABOVE = 1e-6


@dataclass(frozen=True, slots=True)
class Volume:
    """Voxels and where they are.

    Attributes:
        values: Shape [slice, row, column], float32, as rescaled by the header (CT: Hounsfield units).
        affine: Shape [4, 4]: from (column, row, slice, 1) to x, y, z in mm, LPS, at the centre of the voxel.
        resampled: Whether values were interpolated, since the slices lay on no grid.
    """

    values: NDArray[np.float32] = field(repr=False)
    affine: NDArray[np.float64] = field(repr=False)
    resampled: bool

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Between slices, rows and columns."""
        column, row, slice_ = (float(np.linalg.norm(self.affine[:3, axis])) for axis in range(3))
        return slice_, row, column


def build_volume(stack: Stack, slices: NDArray[np.float32]) -> Volume:
    """Put slices where they belong.

    Slices that lie evenly and straight above each other become the volume as they are. Others are interpolated
    linearly from their true positions onto a grid at right angles, as far apart as the median gap; what lies outside
    of every slice takes the least value.

    Args:
        stack: Of the slices.
        slices: Shape [plane, row, column], in the stack's order.
    """
    if stack.is_even and stack.is_upright:
        step = stack.planes[-1].position - stack.planes[0].position
        return Volume(slices, _affine(stack.planes[0], step / max(len(slices) - 1, 1)), resampled=False)
    return _resampled(stack, slices)


def _affine(plane: Plane, step: NDArray[np.float64]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = plane.along_row * plane.column_mm, plane.along_column * plane.row_mm
    affine[:3, 2] = step if step.any() else plane.normal
    affine[:3, 3] = plane.position
    return affine


def _resampled(stack: Stack, slices: NDArray[np.float32]) -> Volume:
    first, offsets = stack.planes[0], stack.offsets
    pixels = offsets[:, :2] / (first.column_mm, first.row_mm)
    low = np.floor(pixels.min(axis=0))
    columns, rows = (np.ceil(pixels.max(axis=0)) - low + first.shape[::-1]).astype(int)
    gap = float(np.median(stack.gaps_mm))
    heights = np.arange(0, offsets[-1, 2] + _ABOVE, gap)
    laid = [_laid(one, at - low, (rows, columns)) for one, at in zip(slices, pixels, strict=True)]
    values = np.stack([_between(laid, offsets[:, 2], height) for height in heights])
    affine = _affine(first, first.normal * gap)
    affine[:3, 3] += affine[:3, 0] * low[0] + affine[:3, 1] * low[1]
    return Volume(np.where(np.isnan(values), slices.min(), values), affine, resampled=True)


def _laid(one: NDArray[np.float32], at: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    """One slice on the grid's canvas, at a fraction of a pixel; NaN where it does not reach.

    OpenCV's warps know 1/32 of a pixel, which is too coarse here.
    """
    moved = affine_transform(
        one, np.ones(2), offset=-at[::-1], output_shape=shape, order=1, cval=np.nan, prefilter=False
    )
    return np.asarray(moved, dtype=np.float32)


def _between(laid: list[NDArray[np.float32]], heights: NDArray[np.float64], height: float) -> NDArray[np.float32]:
    """The plane at a height, from the slices below and above it."""
    above = min(max(int(np.searchsorted(heights, height)), 1), len(laid) - 1)
    share = (height - heights[above - 1]) / (heights[above] - heights[above - 1])
    if share < _ABOVE or share > 1 - _ABOVE:
        return laid[above - int(share < _ABOVE)]
    return np.asarray(laid[above - 1] * (1 - share) + laid[above] * share, dtype=np.float32)
