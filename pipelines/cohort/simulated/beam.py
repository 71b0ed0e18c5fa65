"""From matter to a stored picture: attenuation, scatter, quantum noise, the film's curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.cohort.simulated.canvas import Canvas, Field

TOP = 4095
"""Largest value of a pixel of 12 bits."""

_SOFT_PER_CM = 0.20
"""Attenuation of water at about 60 keV, 1/cm (NIST XCOM: 0.206)."""

_BONE_PER_CM = 0.52
"""Attenuation of cortical bone at about 60 keV less that of the tissue it displaces, 1/cm."""

_LUNG_LACK = 0.74
"""Share of soft tissue's attenuation that inflated lung lacks (density 0.26 g/cm3)."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one picture was taken.

    Attributes:
        scatter: Scattered over all photons that reach the detector, 0 to 0.6.
        photons: Photons a pixel behind no patient; fewer are noisier.
        contrast: Steepness of the film's curve.
        level: Where the curve's middle lies between the lung's value and the heart's, 0 to 1.
    """

    scatter: float
    photons: float
    contrast: float
    level: float


def sample_exposure(rng: np.random.Generator, *, bedside: bool) -> Exposure:
    """Draw an exposure; one at the bedside has no grid, so more scatter and less contrast."""
    extra = 0.12 if bedside else 0.0
    return Exposure(
        scatter=float(rng.uniform(0.15, 0.28)) + extra,
        photons=float(rng.uniform(2500, 6000)),
        contrast=float(rng.uniform(2.6, 3.3)) * (1 - extra),
        level=float(rng.uniform(0.46, 0.6)),
    )


def attenuation(*, soft_cm: Field, air_cm: Field, free_air_cm: Field, bone_cm: Field) -> Field:
    """Line integral of attenuation by Beer and Lambert, shape [row, column], no unit, never negative."""
    dense = soft_cm - _LUNG_LACK * air_cm - free_air_cm
    return np.asarray(np.maximum(_SOFT_PER_CM * dense + _BONE_PER_CM * bone_cm, 0), np.float32)


def expose(line: Field, canvas: Canvas, rng: np.random.Generator, *, exposure: Exposure) -> NDArray[np.uint16]:
    """Take the picture of an attenuation field.

    Args:
        line: Attenuation, shape [row, column].
        canvas: Of that size.
        rng: For the quantum noise.
        exposure: How it is taken.

    Returns:
        Shape [row, column], 0 to 4095, brighter is denser.
    """
    primary = np.exp(-line)
    share = exposure.scatter
    received = (1 - share) * primary + share * canvas.blur(primary, sigma=0.09)
    grain = canvas.blur(rng.standard_normal(line.shape, dtype=np.float32), sigma=0.0007)
    received += grain * np.sqrt(received / np.float32(exposure.photons))
    return _develop(np.log(np.maximum(received, 1e-4)), exposure)


def _develop(signal: Field, exposure: Exposure) -> NDArray[np.uint16]:
    dense = -signal
    rows, cols = dense.shape
    field = dense[rows // 5 : rows * 9 // 10, cols // 8 : cols * 7 // 8]
    low, high = np.percentile(field[::4, ::4], (8, 92))
    middle = low + (high - low) * exposure.level
    curve = 1 / (1 + np.exp(-exposure.contrast * (dense - middle) / (high - low)))
    return np.asarray(np.clip(120 + curve * 3850, 0, TOP).round(), np.uint16)


def pose(line: Field, canvas: Canvas, rng: np.random.Generator, *, bedside: bool) -> Field:
    """Turn, shift, scale and gently bend a field, as no two patients stand alike; same shape."""
    turn, scale = rng.normal(0, 1.2), rng.normal(1.12 if bedside else 1.03, 0.03)
    matrix = cv2.getRotationMatrix2D((canvas.cols / 2, canvas.rows / 2), turn, scale)
    matrix[:, 2] += rng.normal(0, 0.014, 2) * canvas.rows
    x, y = canvas.axes()
    map_x = (x * canvas.cols - 0.5) + 0.0055 * canvas.rows * canvas.clouds(rng, grain=0.3)
    map_y = (y * canvas.rows - 0.5) + 0.0055 * canvas.rows * canvas.clouds(rng, grain=0.3)
    back = cv2.invertAffineTransform(matrix).astype(np.float32)
    moved_x = back[0, 0] * map_x + back[0, 1] * map_y + back[0, 2]
    moved_y = back[1, 0] * map_x + back[1, 1] * map_y + back[1, 2]
    bent = cv2.remap(line, moved_x, moved_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.float32)
