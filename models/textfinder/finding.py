"""Finds lines of text in a picture with the shipped network, by ONNX Runtime; needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.onnxsession import open_session
from models.textfinder.boxes import Box, merged
from models.textfinder.grounds import stretched

if TYPE_CHECKING:
    from numpy.typing import NDArray

NETWORK = Path(__file__).with_name("network.onnx")
STRIDE = 4
"""Pixels of the picture for one of the network's map."""

_ODDS_OF_A_LINE = 1.0
_ODDS_AROUND_IT = -2.0
_LARGE_PX = 448
"""From this side on, letters may be larger than the network has seen: it looks at half the size too."""
_LEAST_PX = 8
_MARGIN_PX = 4


class TextFinder:
    """A resident network: made once a worker.

    Args:
        threads: Threads that one call may use.

    Raises:
        ModelError: ONNX Runtime refuses the network.
    """

    def __init__(self, *, threads: int = 1) -> None:
        refused = "the text finder's network cannot be opened; install Sievert again"
        self._session = open_session(NETWORK, threads=threads, refused=refused)

    def find(self, picture: NDArray[np.generic]) -> tuple[Box, ...]:
        """Where lines of text are, each with a margin; boxes that touch are one.

        Args:
            picture: Shape [row, column], any range.
        """
        full = stretched(picture)
        found = self._at(full, 1)
        if min(full.shape) >= _LARGE_PX:
            found += self._at(cv2.resize(full, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 2)
        return merged([_with_margin(box, full.shape) for box in found])

    def _at(self, picture: NDArray[np.float32], scale: int) -> list[Box]:
        rows, columns = (-side % STRIDE for side in picture.shape)
        padded = np.pad(picture, ((0, rows), (0, columns)), mode="edge")
        odds = self._session.run(None, {"image": padded[np.newaxis, np.newaxis]})[0][0, 0]
        return [box.scaled(STRIDE * scale) for box in _lines(odds)]


def _lines(odds: NDArray[np.float32]) -> list[Box]:
    """Connected parts of the map that hold one place of which the network is sure."""
    number, labels, stats, _ = cv2.connectedComponentsWithStats(
        (odds > _ODDS_AROUND_IT).astype(np.uint8), connectivity=8
    )
    sure = np.zeros(number, bool)
    sure[np.unique(labels[odds > _ODDS_OF_A_LINE])] = True
    sides = [tuple(int(side) for side in stats[label, :4]) for label in range(1, number) if sure[label]]
    return [Box(top, left, top + high, left + wide) for left, top, wide, high in sides if wide * STRIDE >= _LEAST_PX]


def _with_margin(box: Box, shape: tuple[int, ...]) -> Box:
    """Half a letter's height on either side: the network is least sure of a line's ends."""
    return box.grown(_MARGIN_PX, _MARGIN_PX + (box.bottom - box.top) // 2, shape)
