"""Finds the lung fields of a frontal chest radiograph.

Two dark regions beside the midline, alike in size and height, which no edge of the picture touches: that is looked for
under rising thresholds, over the whole picture and against each place's own surroundings, and the largest such pair is
taken. Source: Armato, Giger and MacMahon, "Automated lung segmentation in digitized posteroanterior chest radiographs",
Academic Radiology 1998 (iterative global, then local thresholds; rules of size and place), and van Ginneken, ter Haar
Romeny and Viergever, "Computer-aided diagnosis in chest radiography: a survey", IEEE TMI 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pipelines.preprocess.checks import eight_bit, refuse_volume
from pipelines.preprocess.cropping import widened
from pipelines.preprocess.framing import whole_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.recipe import LungField
    from pipelines.preprocess.checks import Picture
    from pipelines.preprocess.framing import Frame

    Box = tuple[slice, slice]

_SIDE = 128
"""Of the square that is searched; lungs are large."""
_BLUR, _SURROUNDINGS = 1.5, _SIDE / 5
"""Standard deviations: ribs and vessels go, lungs stay; and what is wider than a lung."""
_LEVELS = np.arange(0.16, 0.66, 0.04)
"""Share of the picture that is darker than each threshold."""
_BRIDGES = tuple(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)) for size in (3, 9))
"""What is narrower than this joins no region to another: collimation's edge, a gap in a thin chest wall."""

_AIR = 0.1
"""Of the range from dark to bright: what is darker and reaches an edge is no lung."""

# Shares of the picture, of its sides, or of one region to the other; set on drawn chests and looked at on real ones.
_LEAST_AREA, _LEAST_HEIGHT, _WIDTHS = 0.03, 0.25, (0.1, 0.45)
_ACROSS, _DOWN, _LEAST_FILLED = (0.15, 0.85), (0.2, 0.75), 0.4
_AREAS_ALIKE, _HEIGHTS_ALIKE, _BESIDE, _OFF_MIDLINE = 0.33, 0.55, 0.6, 0.15
_LEAST_FIELD = (0.38, 0.45)


@dataclass(frozen=True, slots=True)
class _Region:
    """A dark region in the square: its box and area in pixels, its centre in shares of the side."""

    top: int
    left: int
    bottom: int
    right: int
    area: int
    across: float
    down: float

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def may_be_lung(self) -> bool:
        touches = min(self.top, self.left) <= 1 or self.right >= _SIDE - 1
        large = self.area >= _LEAST_AREA * _SIDE**2 and self.height >= _LEAST_HEIGHT * _SIDE
        shaped = _within(self.width / _SIDE, _WIDTHS) and self.area >= _LEAST_FILLED * self.height * self.width
        return not touches and large and shaped and _within(self.across, _ACROSS) and _within(self.down, _DOWN)


def lung_field(step: LungField, picture: Picture) -> Frame:
    """The box of both lungs and a margin; the whole picture where no plausible pair is found."""
    refuse_volume("lung_field", picture)
    box = None if min(picture.shape) < step.min_side_px else find_lungs(picture)
    return whole_frame(picture) if box is None else widened(box, picture, step.margin)


def find_lungs(picture: NDArray[Any]) -> Box | None:
    """The box of both lungs.

    Args:
        picture: Shape [row, column], a frontal chest radiograph, brighter is denser.

    Returns:
        Rows and columns, as an index of the picture; None where nothing plausible is found.
    """
    small = cv2.resize(eight_bit(picture), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), _BLUR)
    pair = _largest_pair(smooth) or _largest_pair(_without_air(smooth))
    return None if pair is None else _box(pair, picture.shape)


def _largest_pair(smooth: NDArray[np.float32]) -> tuple[_Region, _Region] | None:
    """Of all thresholds, over the whole picture and against each place's surroundings."""
    relief = smooth - cv2.GaussianBlur(smooth, (0, 0), _SURROUNDINGS)
    masks = (one < level for one in (smooth, relief) for level in np.unique(np.quantile(one, _LEVELS)))
    pairs = (pair for mask in masks for bridge in _BRIDGES for pair in _pairs(mask, bridge))
    return max(pairs, key=lambda pair: pair[0].area + pair[1].area, default=None)


def _without_air(smooth: NDArray[np.float32]) -> NDArray[np.float32]:
    """The air around the body made as grey as the middle of it: beside it, a thin chest wall is hardly seen."""
    low, middle, high = np.quantile(smooth, (0, 0.5, 0.99))
    _, places = cv2.connectedComponents((smooth < low + _AIR * (high - low)).astype(np.uint8), connectivity=4)
    edges = np.concatenate([places[0], places[-1], places[:, 0], places[:, -1]])
    air = np.isin(places, edges[edges > 0]).astype(np.uint8)
    return np.where(cv2.dilate(air, _BRIDGES[0]) > 0, np.float32(middle), smooth)


def _pairs(mask: NDArray[np.bool_], bridge: NDArray[Any]) -> Iterator[tuple[_Region, _Region]]:
    """Pairs that look like lungs among the regions of what is dark."""
    dark = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, bridge)
    _, _, boxes, centres = cv2.connectedComponentsWithStats(dark, connectivity=4)
    every = (_region(box, centre) for box, centre in zip(boxes[1:], centres[1:], strict=True))
    likely = [region for region in every if region.may_be_lung]
    pairs = ((one, other) for one in likely for other in likely if one.across < 1 / 2 <= other.across)
    return (pair for pair in pairs if _are_a_pair(*pair))


def _region(box: NDArray[np.int32], centre: NDArray[np.float64]) -> _Region:
    left, top, width, height, area = map(int, box)
    return _Region(top, left, top + height, left + width, area, *(float(place) / _SIDE for place in centre))


def _are_a_pair(one: _Region, other: _Region) -> bool:
    areas, heights = sorted((one.area, other.area)), sorted((one.height, other.height))
    beside = min(one.bottom, other.bottom) - max(one.top, other.top)
    field = (max(one.bottom, other.bottom) - min(one.top, other.top), max(one.right, other.right) - one.left)
    return (
        areas[0] >= _AREAS_ALIKE * areas[1]
        and heights[0] >= _HEIGHTS_ALIKE * heights[1]
        and beside >= _BESIDE * heights[0]
        and abs((one.across + other.across) / 2 - 1 / 2) <= _OFF_MIDLINE
        and all(side >= least * _SIDE for side, least in zip(field, _LEAST_FIELD, strict=True))
    )


def _box(pair: tuple[_Region, _Region], shape: tuple[int, ...]) -> Box:
    rows, columns = (side / _SIDE for side in shape)
    one, other = pair
    top, bottom = min(one.top, other.top), max(one.bottom, other.bottom)
    return slice(int(top * rows), round(bottom * rows)), slice(int(one.left * columns), round(other.right * columns))


def _within(value: float, span: tuple[float, float]) -> bool:
    return span[0] <= value <= span[1]
