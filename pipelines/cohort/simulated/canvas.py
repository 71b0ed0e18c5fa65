"""A drawing surface in unit coordinates: x from the image's left edge to its right, y from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Field = NDArray[np.float32]
"""One value a pixel, shape [row, column]."""

Points = NDArray[np.float64]
"""Corners of an outline or a path, shape [point, (x, y)], in unit coordinates."""

_SHIFT = 4
"""Fraction bits of a corner's position: OpenCV draws to 1/16 of a pixel."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size that fields are drawn at; it holds no pixels itself.

    Attributes:
        rows: Height in pixels.
        cols: Width in pixels.
    """

    rows: int
    cols: int

    def blank(self) -> Field:
        """A field of zeros, shape [row, column]."""
        return np.zeros((self.rows, self.cols), np.float32)

    def axes(self) -> tuple[Field, Field]:
        """Pixel centres, x of shape [1, column] and y of shape [row, 1], 0 to 1."""
        x = _float32((np.arange(self.cols) + 0.5) / self.cols)
        y = _float32((np.arange(self.rows) + 0.5) / self.rows)
        return x[None, :], y[:, None]

    def fill(self, outline: Points) -> Field:
        """Coverage of a closed outline, 0 to 1, its edge one pixel soft."""
        mask = np.zeros((self.rows, self.cols), np.uint8)
        cv2.fillPoly(mask, [self._pixels(outline)], 255, cv2.LINE_AA, _SHIFT)
        return _unit(mask)

    def stroke(self, paths: Sequence[Points], *, width: float) -> Field:
        """Coverage of open paths, 0 to 1; `width` is a fraction of the image's height."""
        mask = np.zeros((self.rows, self.cols), np.uint8)
        thickness = max(1, round(width * self.rows))
        cv2.polylines(mask, [self._pixels(p) for p in paths], False, 255, thickness, cv2.LINE_AA, _SHIFT)
        return _unit(mask)

    def blur(self, field: Field, *, sigma: float) -> Field:
        """Gaussian blur, `sigma` a fraction of the height; wide ones are done on a reduced field for speed."""
        sigma_px = sigma * self.rows
        shrink = max(1.0, sigma_px / 3)
        if shrink == 1:
            return _float32(cv2.GaussianBlur(field, (0, 0), max(sigma_px, 0.3)))
        size = (max(2, round(self.cols / shrink)), max(2, round(self.rows / shrink)))
        small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma_px / shrink)
        return _float32(cv2.resize(small, (self.cols, self.rows), interpolation=cv2.INTER_CUBIC))

    def clouds(self, rng: np.random.Generator, *, grain: float) -> Field:
        """Smooth noise of zero mean and unit deviation; `grain` is a cloud's size as a fraction of the height."""
        shape = (max(4, round(1 / grain)), max(4, round(self.cols / self.rows / grain)))
        coarse = rng.standard_normal(shape, dtype=np.float32)
        field = _float32(cv2.resize(coarse, (self.cols, self.rows), interpolation=cv2.INTER_CUBIC))
        return _float32((field - field.mean()) / field.std())

    def depth_inside(self, mask: Field) -> Field:
        """Distance of each pixel to the outside of a mask, as a fraction of the height; 0 outside."""
        inside = (mask > 0.5).astype(np.uint8)  # noqa: PLR2004 - half covered
        return _float32(cv2.distanceTransform(inside, cv2.DIST_L2, 3) / self.rows)

    def _pixels(self, points: Points) -> NDArray[np.int32]:
        scaled = points * [self.cols, self.rows] * (1 << _SHIFT)
        return scaled.round().astype(np.int32)


def smooth_outline(corners: Points) -> Points:
    """Round a closed outline's corners, shape [corner, 2] to [8 * corner, 2].

    Source: Chaikin, An algorithm for high-speed curve generation (1974).
    """
    points = np.asarray(corners, np.float64)
    for _ in range(3):
        following = np.roll(points, -1, axis=0)
        pairs = (0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following)
        points = np.stack(pairs, axis=1).reshape(-1, 2)
    return points


def mirrored(points: Points) -> Points:
    """The same outline on the other side of the image's vertical midline."""
    flipped: Points = np.array([1.0, 0.0]) + np.asarray(points, np.float64) * [-1.0, 1.0]
    return flipped


def _unit(mask: NDArray[np.uint8]) -> Field:
    return mask.astype(np.float32) / np.float32(255)


def _float32(array: NDArray[np.floating]) -> Field:
    return np.asarray(array, np.float32)
