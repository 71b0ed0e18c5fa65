"""Cases as a page shows them: pictures inside it as PNG, and what to say of each."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipelines.results.report import formats
from pipelines.results.report.overlay import draw_overlay, draw_scale
from sievert.records import Decision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.results.report.case import Case

WIDEST_PX, NARROWEST_PX = 512, 256
"""Pictures are shrunk to the one, for the file's sake, and enlarged to the other, so that maps stay smooth."""

_MAP_ALONE_GREY = 56


@dataclass(frozen=True, slots=True)
class ShownCase:
    """One case as the page shows it.

    Attributes:
        case: What is shown.
        mark: The decision where it is one of ours, for the colour of its badge; else empty.
        place: The probability in percent, for its mark on a line from 0 to 1.
        probability: As text.
        confidence: As text.
        image: Data URI, empty where there is none.
        overlay: Data URI of the image under its map, or of the map alone; empty where there is no map.
        hottest: Where in the picture the map is strongest, in words; empty where it is nowhere.
        size: Columns and rows of both pictures.
    """

    case: Case
    mark: str
    place: float
    probability: str
    confidence: str
    image: str
    overlay: str
    hottest: str
    size: tuple[int, int]


def show_case(case: Case) -> ShownCase:
    """Draw a case's pictures, 256 to 512 pixels wide."""
    ground = _ground(case)
    overlay = draw_overlay(ground, case.heat) if ground is not None and case.heat is not None else None
    return ShownCase(
        case=case,
        mark=case.decision if case.decision in set(Decision) else "",
        place=round(100 * min(max(case.probability, 0), 1), 3),
        probability=formats.probability(case.probability),
        confidence=formats.probability(case.confidence),
        image="" if case.image is None or ground is None else png_uri(ground),
        overlay="" if overlay is None else png_uri(overlay),
        hottest="" if case.heat is None else find_hottest(case.heat),
        size=(0, 0) if ground is None else (ground.shape[1], ground.shape[0]),
    )


def show_scale() -> str:
    """The colour scale of the overlays, from no heat to full heat, as a data URI."""
    return png_uri(draw_scale())


def find_hottest(heat: NDArray[np.float32]) -> str:
    """The ninth of the picture with the map's largest value: `upper left`, `centre`; empty where all is cold.

    Args:
        heat: Shape [row, column], 0 to 1.
    """
    if heat.max() <= 0:
        return ""
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down = ("upper", "", "lower")[int(3 * (row + 0.5) / heat.shape[0])]
    across = ("left", "", "right")[int(3 * (column + 0.5) / heat.shape[1])]
    return f"{down} {across}".strip() or "centre"


def png_uri(picture: NDArray[np.uint8]) -> str:
    """A picture of shape [row, column] or [row, column, red green blue] as a `data:` URI."""
    stored = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])  # noqa: PLR2004 - grey
    _, encoded = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _ground(case: Case) -> NDArray[np.uint8] | None:
    """What the map is laid over: the image, or flat grey in the map's proportions."""
    if case.image is not None:
        return _fit(case.image)
    return None if case.heat is None else _fit(np.full(case.heat.shape, _MAP_ALONE_GREY, np.uint8))


def _fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = image.shape
    wide = min(max(columns, NARROWEST_PX), WIDEST_PX)
    high = max(1, round(rows * wide / columns))
    how = cv2.INTER_AREA if wide < columns else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (wide, high), interpolation=how), dtype=np.uint8)
