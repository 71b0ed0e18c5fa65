"""Pneumonia: where and how densely lung is filled with fluid instead of air."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.cohort.simulated.canvas import Canvas, Field


class Pattern(StrEnum):
    """How consolidation is spread."""

    LOBAR = "lobar"
    PATCHY = "patchy"
    DIFFUSE = "diffuse"


def draw_opacity(canvas: Canvas, rng: np.random.Generator, *, pattern: Pattern) -> Field:
    """Share of the lung's air that is replaced by fluid, shape [row, column], 0 to 0.95."""
    spread = {Pattern.LOBAR: _lobar, Pattern.PATCHY: _patchy, Pattern.DIFFUSE: _diffuse}[pattern]
    haze = rng.uniform(0.28, 0.5)
    texture = 0.75 * canvas.clouds(rng, grain=0.05) + 0.45 * canvas.clouds(rng, grain=0.02)
    filled = np.maximum(spread(canvas, rng), haze) * (1 + 0.13 * texture)
    return np.asarray(np.clip(filled, 0, 0.95), np.float32)


def _lobar(canvas: Canvas, rng: np.random.Generator) -> Field:
    centre_x = 0.27 if rng.random() < 0.5 else 0.77  # noqa: PLR2004 - a coin's toss
    low = rng.random() < 0.6  # noqa: PLR2004 - lower lobes are the commoner place
    top, bottom = (0.46, 0.9) if low else (0.05, 0.47)
    x, y = canvas.axes()
    fissure = 0.05 * (x - centre_x) + 0.012 * canvas.clouds(rng, grain=0.2)
    inside = _edge(y - top - fissure, soft=0.018) * _edge(bottom + fissure - y, soft=0.018)
    side = _edge(0.25 - np.abs(x - centre_x), soft=0.03)
    return np.asarray(rng.uniform(0.72, 0.92) * inside * side, np.float32)


def _patchy(canvas: Canvas, rng: np.random.Generator) -> Field:
    x, y = canvas.axes()
    filled = canvas.blank()
    for _ in range(int(rng.integers(5, 10))):
        side = 0.25 if rng.random() < 0.5 else 0.77  # noqa: PLR2004 - a coin's toss
        centre = rng.normal((side, 0.52), (0.05, 0.12)).tolist()
        size = rng.uniform(0.1, 0.19, 2).tolist()
        ragged = 0.4 * canvas.clouds(rng, grain=0.09) + 0.22 * canvas.clouds(rng, grain=0.03)
        inside = 1 - ((x - centre[0]) / size[0]) ** 2 - ((y - centre[1]) / size[1]) ** 2 + ragged
        filled = np.maximum(filled, rng.uniform(0.65, 0.95) * _edge(inside, soft=1.3))
    return np.asarray(filled, np.float32)


def _diffuse(canvas: Canvas, rng: np.random.Generator) -> Field:
    x, y = canvas.axes()
    centre_y = rng.uniform(0.45, 0.6)
    around_hila = np.exp(-(((x - 0.5) / 0.36) ** 4) - ((y - centre_y) / 0.32) ** 2)
    patches = 0.5 + 0.3 * canvas.clouds(rng, grain=0.14)
    return np.asarray(rng.uniform(0.75, 1.0) * around_hila * np.clip(patches + 0.25, 0, 1), np.float32)


def _edge(distance: NDArray[np.floating[Any]], *, soft: float) -> Field:
    step = np.clip(distance / soft * 0.5 + 0.5, 0, 1)
    return np.asarray(step * step * (3 - 2 * step), np.float32)
