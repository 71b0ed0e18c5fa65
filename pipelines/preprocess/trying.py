"""Tries a recipe on one file and draws what each step makes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipelines.preprocess.steps import trace_recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recipe import Recipe
    from pipelines.preprocess.resampling import Spacing

_SIDE, _HEAD, _GAP, _INK = 320, 26, 8, 230


@dataclass(frozen=True, slots=True)
class Tried:
    """What one step made.

    Attributes:
        step: Its name; `admitted` for the picture as it came.
        picture: Shape [row, column].
        ms: How long the step took, in milliseconds.
    """

    step: str
    picture: NDArray[Any] = field(repr=False)
    ms: float

    @property
    def told(self) -> dict[str, Any]:
        """In figures: size, type, range and time."""
        rows, columns = self.picture.shape
        return {
            "step": self.step,
            "rows": rows,
            "columns": columns,
            "type": str(self.picture.dtype),
            "least": round(float(self.picture.min()), 4),
            "most": round(float(self.picture.max()), 4),
            "ms": round(self.ms, 2),
        }


def try_recipe(pixels: NDArray[Any], recipe: Recipe, *, spacing_mm: Spacing = None) -> list[Tried]:
    """Do a recipe on a picture and keep what each step made.

    Args:
        pixels: Shape [row, column], as admitted.
        recipe: What to do.
        spacing_mm: Of the pixels, between rows and columns; None where that is not known.

    Raises:
        DataError: The recipe is none of pictures, or needs a spacing and there is none.
    """
    tried, start = [], time.perf_counter()
    for step, picture in trace_recipe(pixels, recipe, spacing_mm=spacing_mm):
        now = time.perf_counter()
        tried.append(Tried(step, picture, 0 if step == "admitted" else (now - start) * 1e3))
        start = time.perf_counter()
    return tried


def draw_steps(tried: list[Tried]) -> NDArray[np.uint8]:
    """The pictures side by side, each stretched from its own range, with name and size above.

    Returns:
        Shape [row, column], uint8.
    """
    whole = Image.new("L", (len(tried) * (_SIDE + _GAP) - _GAP, _HEAD + _SIDE), 24)
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    for number, one in enumerate(tried):
        left, (rows, columns) = number * (_SIDE + _GAP), one.picture.shape
        draw.text((left + 4, 5), f"{one.step}  {rows} x {columns}", fill=_INK, font=font)
        whole.paste(Image.fromarray(_framed(one.picture)), (left, _HEAD))
    return np.asarray(whole)


def _framed(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """In a square, its shape kept; small ones with their pixels to be seen."""
    values = picture.astype(np.float32)
    span = float(np.ptp(values)) or 1.0
    grey = ((values - values.min()) / span * 255).astype(np.uint8)
    scale = _SIDE / max(grey.shape)
    rows, columns = (max(1, round(side * scale)) for side in grey.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    square = np.full((_SIDE, _SIDE), 24, np.uint8)
    square[:rows, :columns] = cv2.resize(grey, (columns, rows), interpolation=way)
    return square
