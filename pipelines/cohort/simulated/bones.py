"""Bones: how many centimetres of mineral a ray passes, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.cohort.simulated.anatomy import Chest, flank
from pipelines.cohort.simulated.canvas import Points, mirrored, smooth_outline

if TYPE_CHECKING:
    from pipelines.cohort.simulated.canvas import Canvas, Field

_RIB_WIDTH = 0.022


def draw_bones(canvas: Canvas, chest: Chest) -> Field:
    """Centimetres of mineral: spine, ribs, collar bones, shoulder blades, upper arms."""
    bones = _spine(canvas) + _ribs(canvas, chest) + _shoulders(canvas)
    return canvas.blur(np.asarray(bones * chest.bone, np.float32), sigma=0.0016)


def _ribs(canvas: Canvas, chest: Chest) -> Field:
    behind, before = [], []
    for number in range(chest.rib_pairs):
        posterior = _posterior(chest, number)
        behind += [posterior, mirrored(posterior)]
        if number:  # the first rib's front lies under the collar bone
            anterior = _anterior(chest, posterior[-1], number)
            before += [anterior, mirrored(anterior)]
    return _tubes(canvas, behind, width=_RIB_WIDTH, cm=0.62) + _tubes(canvas, before, width=0.022, cm=0.26)


def _posterior(chest: Chest, number: int) -> Points:
    start_y = 0.16 + number * 0.62 / chest.rib_pairs
    along = np.linspace(0, 1, 24)
    drop = chest.rib_slope * (0.6 + 0.08 * number)
    y = start_y - 0.022 * np.sin(np.pi * np.minimum(along * 1.6, 1)) + drop * along**2.2
    half = 0.03 + (flank(chest, y) + 0.008 - 0.03) * np.sin(along * np.pi / 2)
    return np.stack([0.5 - half, y], axis=1)


def _anterior(chest: Chest, side: Points, number: int) -> Points:
    along = np.linspace(0, 1, 20)
    inner = 0.5 - 0.13 - 0.012 * number
    x = side[0] + (inner - side[0]) * np.sin(along * np.pi / 2) ** 1.3
    y = side[1] + (chest.rib_slope * 0.9 + 0.035) * along
    return np.stack([x, y], axis=1)


def _tubes(canvas: Canvas, paths: list[Points], *, width: float, cm: float) -> Field:
    # A tube's wall is passed twice at its centre but lengthwise at its rim: the rim is the brighter part.
    whole = canvas.stroke(paths, width=width)
    core = canvas.stroke(paths, width=width * 0.62)
    return np.asarray(cm * (whole - 0.38 * core), np.float32)


def _spine(canvas: Canvas) -> Field:
    x, y = canvas.axes()
    half = 0.034 + 0.012 * y
    body = np.clip((half - np.abs(x - 0.5)) / 0.012, 0, 1)
    period = 0.052
    gap = np.exp(-(((y % period) - period / 2) ** 2) / (2 * 0.006**2))
    processes = np.exp(-((x - 0.5) ** 2) / (2 * 0.008**2)) * (1 - gap)
    return np.asarray(body * (0.36 - 0.18 * gap) + 0.25 * processes, np.float32)


def _shoulders(canvas: Canvas) -> Field:
    collar = np.array([[0.455, 0.215], [0.40, 0.205], [0.33, 0.175], [0.25, 0.15], [0.17, 0.155], [0.12, 0.15]])
    upper_arm = np.array([[0.085, 0.185], [0.035, 0.30], [-0.03, 0.48]])
    blade = smooth_outline(np.array([[0.10, 0.17], [0.20, 0.20], [0.21, 0.30], [0.15, 0.44], [0.12, 0.32]]))
    tubes = _tubes(canvas, [collar, mirrored(collar)], width=0.026, cm=0.85)
    tubes += _tubes(canvas, [upper_arm, mirrored(upper_arm)], width=0.045, cm=0.9)
    plates = 0.2 * (canvas.fill(blade) + canvas.fill(mirrored(blade)))
    return np.asarray(tubes + plates, np.float32)
