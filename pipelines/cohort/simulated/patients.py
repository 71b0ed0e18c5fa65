"""A patient's radiograph: the chest follows from the patient, the picture from the visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.cohort.simulated.anatomy import lying, sample_chest
from pipelines.cohort.simulated.opacity import Pattern
from pipelines.cohort.simulated.people import stream
from pipelines.cohort.simulated.radiograph import draw_radiograph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.cohort.simulated.canvas import Canvas
    from pipelines.cohort.simulated.people import Visit


def draw_patient(visit: Visit, canvas: Canvas, *, sick: bool, bedside: bool) -> NDArray[np.uint16]:
    """Take a visit's picture.

    Args:
        visit: Whose and which; it fixes the picture wholly.
        canvas: Its size.
        sick: Whether there is a pneumonia, of one of the patterns in turn.
        bedside: Taken lying, near the tube and without a grid, as of children too ill to stand.

    Returns:
        Shape [row, column], 0 to 4095, brighter is denser.
    """
    chest = sample_chest(stream(visit.seed, "anatomy", visit.person.number))
    chest = lying(chest) if bedside else chest
    pattern = list(Pattern)[visit.number % len(Pattern)] if sick else None
    rng = stream(visit.seed, "study", visit.number)
    return draw_radiograph(canvas, chest, rng, pattern=pattern, bedside=bedside)
