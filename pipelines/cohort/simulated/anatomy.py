"""What differs between patients' chests, and the outlines that follow from it.

Left and right are the image's own: the patient's right lung lies on the image's left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.cohort.simulated.canvas import Points, mirrored, smooth_outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LATERAL = [(0.40, 0.165), (0.34, 0.175), (0.28, 0.23), (0.215, 0.33), (0.155, 0.46), (0.105, 0.59), (0.075, 0.72)]
_RIGHT_BASE = [(0.075, 0.825), (0.15, 0.775), (0.24, 0.74), (0.33, 0.745), (0.425, 0.80)]
_RIGHT_MEDIAL = [(0.415, 0.73), (0.39, 0.63), (0.40, 0.52), (0.42, 0.43), (0.425, 0.33), (0.435, 0.24)]
_LEFT_BASE = [(0.075, 0.85), (0.14, 0.81), (0.20, 0.79), (0.28, 0.815)]
_LEFT_MEDIAL = [(0.275, 0.73), (0.305, 0.62), (0.345, 0.52), (0.395, 0.42), (0.405, 0.36), (0.395, 0.30), (0.42, 0.24)]
_HIDDEN_MEDIAL = [(0.44, 0.75), (0.445, 0.55), (0.44, 0.40), (0.44, 0.27)]

_BODY_Y = (0.0, 0.05, 0.10, 0.14, 0.19, 0.26, 0.40, 0.60, 0.80, 1.0)
_BODY_HALF_WIDTH = (0.16, 0.20, 0.32, 0.43, 0.465, 0.47, 0.465, 0.465, 0.465, 0.465)


@dataclass(frozen=True, slots=True)
class Chest:
    """One patient's chest; lengths without a unit are fractions of the image.

    Attributes:
        depth_cm: From breastbone to back, 10 to 22.
        girth: Half-width of the body as a multiple of the usual.
        reach: Width of the lungs as a multiple of the usual.
        base: How far the diaphragm lies below its usual place; negative is above.
        heart: How far the heart reaches further to the left than usual.
        bone: Mineral of the bones as a multiple of the usual.
        rib_pairs: How many pairs of ribs are seen, 8 to 10.
        rib_slope: How far a rib falls from spine to flank.
        stomach: Size of the air bubble under the left dome; 0 is none.
        head: How far the chin hangs into the image; 0 is not at all.
    """

    depth_cm: float
    girth: float
    reach: float
    base: float
    heart: float
    bone: float
    rib_pairs: int
    rib_slope: float
    stomach: float
    head: float


def sample_chest(rng: np.random.Generator) -> Chest:
    """Draw a patient's chest; all chests are those of children, as small as the body makes them."""
    return Chest(
        depth_cm=float(rng.uniform(11.5, 15.5)),
        girth=float(rng.normal(1.0, 0.035)),
        reach=float(rng.normal(0.985, 0.022)),
        base=float(rng.normal(0.0, 0.016)),
        heart=float(rng.normal(-0.008, 0.015)),
        bone=float(rng.uniform(0.75, 1.25)),
        rib_pairs=int(rng.integers(8, 11)),
        rib_slope=float(rng.uniform(0.05, 0.12)),
        stomach=float(max(0.0, rng.normal(0.03, 0.03))),
        head=float(max(0.0, rng.normal(0.04, 0.03))),
    )


def lying(chest: Chest) -> Chest:
    """The same chest taken lying: the breath is shallow and the heart, far from the detector, looks larger."""
    return replace(chest, base=chest.base - 0.025, heart=chest.heart + 0.02)


def right_lung(chest: Chest) -> Points:
    """Outline of the aerated right lung, down to its dome, shape [point, 2]."""
    return _placed(chest, _LATERAL + _RIGHT_BASE + _RIGHT_MEDIAL)


def left_lung(chest: Chest) -> Points:
    """Outline of the left lung beside the heart, shape [point, 2]."""
    corners = np.array(_LATERAL + _LEFT_BASE + _LEFT_MEDIAL)
    beside_heart = (corners[:, 0] > 0.2) & (corners[:, 1] > 0.45)  # noqa: PLR2004 - where the heart's border runs
    corners[beside_heart, 0] -= chest.heart
    return mirrored(_placed(chest, corners))


def hidden_lungs(chest: Chest) -> tuple[Points, Points]:
    """Outlines of both lungs with the parts before and behind heart and vessels, each of shape [point, 2]."""
    right = _placed(chest, _LATERAL + _RIGHT_BASE + _HIDDEN_MEDIAL)
    left = mirrored(_placed(chest, _LATERAL + _LEFT_BASE + _HIDDEN_MEDIAL))
    return right, left


def flank(chest: Chest, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of the lung's outer border from the midline at heights `y`, both fractions; same shape."""
    ribcage_y = [0.13, *(corner[1] for corner in _LATERAL[1:]), 0.9]
    ribcage_x = [0.07, *(0.5 - corner[0] for corner in _LATERAL[1:]), 0.40]
    half: NDArray[np.float64] = np.interp(y, ribcage_y, ribcage_x) * chest.reach
    return half


def body_half_width(chest: Chest, y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of the skin from the midline at heights `y`, fractions; same shape."""
    half: NDArray[np.float32] = (np.interp(y, _BODY_Y, _BODY_HALF_WIDTH) * chest.girth).astype(np.float32)
    return half


def _placed(chest: Chest, corners: object) -> Points:
    points = np.array(corners, np.float64)
    points[:, 0] = 0.5 + (points[:, 0] - 0.5) * chest.reach
    points[:, 1] += chest.base * np.clip((points[:, 1] - 0.3) / 0.45, 0, 1)
    return smooth_outline(points)
