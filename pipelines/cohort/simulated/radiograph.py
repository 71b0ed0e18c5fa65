"""A simulated chest radiograph: layers of matter, drawn and exposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.cohort.simulated.beam import attenuation, expose, pose, sample_exposure
from pipelines.cohort.simulated.bones import draw_bones
from pipelines.cohort.simulated.opacity import draw_opacity
from pipelines.cohort.simulated.tissue import draw_air, draw_airways, draw_body, lung_mask
from pipelines.cohort.simulated.vessels import draw_vessels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.cohort.simulated.anatomy import Chest
    from pipelines.cohort.simulated.canvas import Canvas, Field
    from pipelines.cohort.simulated.opacity import Pattern


def draw_radiograph(
    canvas: Canvas, chest: Chest, rng: np.random.Generator, *, pattern: Pattern | None, bedside: bool
) -> NDArray[np.uint16]:
    """Draw one chest radiograph.

    The layers' order and sizes were chosen by eye and by comparing mean pictures at 28 x 28 pixels with those of
    PneumoniaMNIST (MedMNIST v2); no pixel of a real picture is in them. How well a model does on these pictures says
    nothing of how well it does on people.

    Args:
        canvas: The picture's size.
        chest: Whose.
        rng: Three streams are spawned from it (lungs, illness, camera), so that the same generator state with and
            without a pneumonia gives the same chest in the same pose.
        pattern: How the pneumonia is spread, None for none.
        bedside: See `patients.draw_patient`.

    Returns:
        Shape [row, column], 0 to 4095, brighter is denser.
    """
    lungs_rng, illness_rng, camera_rng = rng.spawn(3)
    air, blood = _lungs(canvas, chest, lungs_rng)
    if pattern is not None:
        aerated = 1 - draw_opacity(canvas, illness_rng, pattern=pattern)
        air *= aerated
        blood *= aerated  # vessels are as dense as the fluid around them: their outline goes
    body, airways, bones = draw_body(canvas, chest), draw_airways(canvas, chest), draw_bones(canvas, chest)
    line = attenuation(soft_cm=body + blood, air_cm=air, free_air_cm=airways, bone_cm=bones)
    exposure = sample_exposure(camera_rng, bedside=bedside)
    return expose(pose(line, canvas, camera_rng, bedside=bedside), canvas, camera_rng, exposure=exposure)


def _lungs(canvas: Canvas, chest: Chest, rng: np.random.Generator) -> tuple[Field, Field]:
    air = draw_air(canvas, chest)
    air *= 1 + 0.025 * canvas.clouds(rng, grain=0.012) + 0.04 * canvas.clouds(rng, grain=0.1)
    return air, draw_vessels(canvas, rng, lungs=lung_mask(canvas, chest))
