"""A simulated chest radiograph: layers of matter, drawn and exposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.cohort.simulated.beam import attenuation, expose, pose, sample_exposure
from pipelines.cohort.simulated.bones import draw_bones
from pipelines.cohort.simulated.opacity import draw_opacity
from pipelines.cohort.simulated.tissue import draw_air, draw_airways, draw_body, lung_mask
from pipelines.cohort.simulated.vessels import draw_vessels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.cohort.simulated.anatomy import Chest
    from pipelines.cohort.simulated.canvas import Canvas, Field
    from pipelines.cohort.simulated.opacity import Pattern


def draw_radiograph(
    canvas: Canvas, chest: Chest, rng: np.random.Generator, *, pattern: Pattern | None, bedside: bool
) -> NDArray[np.uint16]:
    """Draw one chest radiograph."""
    air = draw_air(canvas, chest)
    lungs = lung_mask(canvas, chest)
    blood = draw_vessels(canvas, rng, lungs=lungs)
    air *= 1 + 0.025 * canvas.clouds(rng, grain=0.012) + 0.04 * canvas.clouds(rng, grain=0.1)
    if pattern is not None:
        aerated = 1 - draw_opacity(canvas, rng, pattern=pattern)
        air *= aerated
        blood *= aerated  # vessels are as dense as the fluid around them: their outline goes
    line = attenuation(
        soft_cm=draw_body(canvas, chest) + blood,
        air_cm=air,
        free_air_cm=draw_airways(canvas, chest),
        bone_cm=draw_bones(canvas, chest),
    )
    return expose(pose(line, canvas, rng, bedside=bedside), canvas, rng, exposure=sample_exposure(rng, bedside=bedside))
