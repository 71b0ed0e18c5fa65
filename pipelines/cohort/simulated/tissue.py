"""Soft tissue and air: how many centimetres of each a ray passes, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.cohort.simulated.anatomy import Chest, body_half_width, hidden_lungs, left_lung, right_lung

if TYPE_CHECKING:
    from pipelines.cohort.simulated.canvas import Canvas, Field

_LUNG_SHARE = 0.8
"""Share of the chest's depth that is lung, where it is deepest."""

_ROUNDING = 0.07
"""How far from its border a lung reaches its full depth, as a fraction of the height."""


def draw_body(canvas: Canvas, chest: Chest) -> Field:
    """Centimetres of soft tissue as if there were no lungs: trunk, neck, upper arms, chin, heart."""
    x, y = canvas.axes()
    half = np.maximum(body_half_width(chest, y[:, 0])[:, None], 0.02)
    across = np.clip(np.abs(x - 0.5) / half, 0, 1)
    trunk = chest.depth_cm * _depth_at(y) * (1 - across**4.5) ** 0.5
    soft = trunk + _arms(canvas, chest) + _chin(canvas, chest) + _heart(canvas, chest) + _great_vessels(canvas)
    return canvas.blur(soft.astype(np.float32), sigma=0.004)


def draw_air(canvas: Canvas, chest: Chest) -> Field:
    """Centimetres of aerated lung that take the place of soft tissue."""
    beside = _lung(canvas, right_lung(chest)) + _lung(canvas, left_lung(chest))
    behind = sum((_lung(canvas, outline) for outline in hidden_lungs(chest)), start=canvas.blank())
    share = np.maximum(beside, 0.28 * behind)
    return canvas.blur(share * np.float32(_LUNG_SHARE * chest.depth_cm), sigma=0.003)


def draw_airways(canvas: Canvas, chest: Chest) -> Field:
    """Centimetres of free air: windpipe, main bronchi, the bubble in the stomach."""
    fork = np.array([0.5, 0.36])
    windpipe = [np.array([[0.5, 0.05], [0.5, 0.2], fork])]
    bronchi = [np.array([fork, [0.44, 0.42]]), np.array([fork, [0.57, 0.42]])]
    tubes = 2.4 * canvas.stroke(windpipe, width=0.034) + 1.2 * canvas.stroke(bronchi, width=0.024)
    tubes = canvas.blur(tubes, sigma=0.006)
    return tubes + _bubble(canvas, chest)


def lung_mask(canvas: Canvas, chest: Chest) -> Field:
    """Coverage of both lungs beside heart and vessels, 0 to 1."""
    return np.maximum(canvas.fill(right_lung(chest)), canvas.fill(left_lung(chest)))


def _lung(canvas: Canvas, outline: np.ndarray) -> Field:
    mask = canvas.fill(outline)
    depth: Field = np.clip(canvas.depth_inside(mask) / _ROUNDING, 0, 1)
    rounded: Field = mask * np.sqrt(depth * (2 - depth)) ** 0.7
    return rounded


def _depth_at(y: Field) -> Field:
    return np.interp(y, (0, 0.1, 0.2, 0.6, 1.0), (0.8, 0.8, 0.88, 1.0, 1.12)).astype(np.float32)


def _arms(canvas: Canvas, chest: Chest) -> Field:
    side = 0.5 - 0.47 * chest.girth
    shoulder = np.array([[0.17, 0.16], [side + 0.05, 0.2], [side, 0.32], [side - 0.09, 0.55]])
    paths = [shoulder, np.array([1.0, 0.0]) + shoulder * [-1.0, 1.0]]
    return canvas.blur(3.5 * canvas.stroke(paths, width=0.08), sigma=0.022)


def _chin(canvas: Canvas, chest: Chest) -> Field:
    angle = np.linspace(0, np.pi, 25)
    jaw = np.stack([0.5 + 0.17 * np.cos(angle), 1.4 * chest.head * np.sin(angle) - 0.01], axis=1)
    return canvas.blur(4.5 * canvas.fill(jaw), sigma=0.016)


def _heart(canvas: Canvas, chest: Chest) -> Field:
    x, y = canvas.axes()
    centre, reach = 0.56 + 0.4 * chest.heart, 0.2 + chest.heart
    inside = 1 - ((x - centre) / reach) ** 2 - ((y - 0.6) / 0.2) ** 2
    return np.asarray(0.05 * chest.depth_cm * np.sqrt(np.clip(inside, 0, 1)), np.float32)


def _great_vessels(canvas: Canvas) -> Field:
    x, y = canvas.axes()
    column = np.exp(-(((x - 0.5) / 0.085) ** 4)) * np.clip((y - 0.12) / 0.1, 0, 1) * np.clip((0.62 - y) / 0.2, 0, 1)
    knob = np.exp(-(((x - 0.58) / 0.035) ** 2) - ((y - 0.34) / 0.04) ** 2)
    return np.asarray(0.35 * column + 1.2 * knob, np.float32)


def _bubble(canvas: Canvas, chest: Chest) -> Field:
    if chest.stomach < 0.015:  # noqa: PLR2004 - smaller ones cannot be seen
        return canvas.blank()
    x, y = canvas.axes()
    inside = 1 - ((x - 0.75) / (1.6 * chest.stomach)) ** 2 - ((y - 0.86 - chest.base) / chest.stomach) ** 2
    return canvas.blur(np.asarray(4 * np.sqrt(np.clip(inside, 0, 1)), np.float32), sigma=0.004)
