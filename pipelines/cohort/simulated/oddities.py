"""Pictures that are no chest radiograph: a hand, a slice through a chest, a name burned into the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipelines.cohort.simulated.beam import TOP, Exposure, attenuation, expose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.cohort.simulated.canvas import Canvas, Field, Points

_SHARP = Exposure(scatter=0.1, photons=6000, contrast=3.0, level=0.6)

# Base and tip of thumb and fingers; between them, where the joints lie as shares of the way.
_WRIST = np.array([0.5, 0.93])
_FINGERS = [
    ((0.35, 0.70), (0.13, 0.47)),
    ((0.40, 0.55), (0.33, 0.13)),
    ((0.50, 0.53), (0.49, 0.07)),
    ((0.58, 0.55), (0.64, 0.12)),
    ((0.66, 0.60), (0.80, 0.24)),
]
_PHALANGES = ((0.03, 0.42), (0.48, 0.74), (0.79, 0.97))


def draw_hand(canvas: Canvas, rng: np.random.Generator) -> NDArray[np.uint16]:
    """A hand, palm down; shape [row, column], 0 to 4095, brighter is denser."""
    rays = [np.array(ray) + rng.normal(0, 0.006, (2, 2)) for ray in _FINGERS]
    palm = [np.array([_WRIST, ray[0]]) for ray in rays]
    skin = np.maximum(
        canvas.stroke([*rays, *palm], width=0.095), canvas.fill(np.array([_WRIST, *(r[0] for r in rays)]))
    )
    soft = 2.2 * canvas.blur(skin, sigma=0.012)
    phalanges = [_between(ray, *share) for ray in rays for share in _PHALANGES]
    bones = [*phalanges, *(_between(path, 0.25, 0.96) for path in palm)]
    mineral = canvas.stroke(bones, width=0.034) - 0.45 * canvas.stroke(bones, width=0.018)
    bone = canvas.blur(np.asarray(0.9 * mineral, np.float32), sigma=0.003)
    line = attenuation(soft_cm=soft, air_cm=canvas.blank(), free_air_cm=canvas.blank(), bone_cm=bone)
    return expose(line, canvas, rng, exposure=_SHARP)


def draw_slice(canvas: Canvas, rng: np.random.Generator) -> NDArray[np.uint16]:
    """An axial slice through a chest in Hounsfield units + 1024; shape [row, column], 0 to 4095."""
    hounsfield = np.full((canvas.rows, canvas.cols), -1000, np.float32)
    for centre, radii, value in (
        ((0.50, 0.52), (0.44, 0.33), 40),
        ((0.30, 0.50), (0.16, 0.22), -850),
        ((0.70, 0.50), (0.16, 0.22), -850),
        ((0.55, 0.45), (0.13, 0.12), 45),
        ((0.50, 0.74), (0.05, 0.06), 400),
        ((0.50, 0.36), (0.02, 0.02), -980),
    ):
        inside = _ellipse(canvas, centre, radii)
        hounsfield += inside * (value - hounsfield)
    noisy = canvas.blur(hounsfield, sigma=0.002) + rng.normal(0, 15, hounsfield.shape)
    return np.asarray(np.clip(noisy + 1024, 0, TOP).round(), np.uint16)


def burn_in(pixels: NDArray[np.uint16], text: str) -> NDArray[np.uint16]:
    """The picture with a line of text in its top left corner; same shape, a copy."""
    letters = np.zeros(pixels.shape, np.uint8)  # OpenCV writes on 8 bits only
    size = pixels.shape[0] / 900
    cv2.putText(letters, text, (8, round(34 * size)), cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(2 * size)))
    return np.where(letters > 0, np.uint16(TOP), pixels)


def _between(path: Points, start: float, stop: float) -> Points:
    way = path[1] - path[0]
    part: Points = np.stack([path[0] + start * way, path[0] + stop * way])
    return part


def _ellipse(canvas: Canvas, centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    x, y = canvas.axes()
    inside = 1 - ((x - centre[0]) / radii[0]) ** 2 - ((y - centre[1]) / radii[1]) ** 2
    return (inside > 0).astype(np.float32)
