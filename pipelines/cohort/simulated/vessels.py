"""The lung's vessels: trees that grow from each hilum and thin out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipelines.cohort.simulated.canvas import Canvas, Field, Points

_HILA = (((0.405, 0.45), np.pi), ((0.605, 0.42), 0.0))
_GENERATIONS = 5
_ROOT_WIDTH = 0.016
_ROOT_LENGTH = 0.085


def draw_vessels(canvas: Canvas, rng: np.random.Generator, *, lungs: Field) -> Field:
    """Centimetres of blood that a ray passes in the lungs; `lungs` is their coverage, 0 to 1."""
    levels: list[list[Points]] = [[] for _ in range(_GENERATIONS)]
    for hilum, heading in _HILA:
        for spread in np.linspace(-1.25, 1.25, 7):
            _grow(rng, np.array(hilum), heading + spread + rng.normal(0, 0.12), levels)
    blood = canvas.blank()
    for generation, paths in enumerate(levels):
        width = _ROOT_WIDTH * 0.68**generation
        blood += 80 * width * canvas.stroke(paths, width=width)
    return canvas.blur(np.minimum(blood, 1.5) * lungs, sigma=0.0025) + _hila(canvas)


def _grow(rng: np.random.Generator, start: Points, heading: float, levels: list[list[Points]]) -> None:
    tips = [(start, heading)]
    for generation, paths in enumerate(levels):
        length = _ROOT_LENGTH * 0.86**generation
        grown = [(_branch(rng, tip, heading, length), heading) for tip, heading in tips]
        paths.extend(path for path, _ in grown)
        tips = [(path[-1], heading + turn + rng.normal(0, 0.15)) for path, heading in grown for turn in (-0.33, 0.33)]


def _branch(rng: np.random.Generator, start: Points, heading: float, length: float) -> Points:
    headings = heading + rng.normal(0, 0.12, 4).cumsum()
    steps = length / 4 * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    path: Points = np.concatenate([start[None], start + steps.cumsum(axis=0)])
    return path


def _hila(canvas: Canvas) -> Field:
    x, y = canvas.axes()
    knots = canvas.blank()
    for (hilum_x, hilum_y), _ in _HILA:
        knots += np.exp(-(((x - hilum_x) / 0.03) ** 2) - ((y - hilum_y) / 0.05) ** 2)
    return np.asarray(1.1 * knots, np.float32)
