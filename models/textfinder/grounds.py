"""Backgrounds to plant text on: drawn ones, and crops of real pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw_ground(random: np.random.Generator, *, side: int) -> NDArray[np.float32]:
    """A background without text: clouds, tissue-like discs, an ultrasound-like sector, a gradient, or nothing.

    Args:
        random: Where all choices come from.
        side: Rows and columns.
    """
    return _GROUNDS[random.integers(len(_GROUNDS))](random, side)


def crop_ground(picture: NDArray[np.float32], random: np.random.Generator, *, side: int) -> NDArray[np.float32]:
    """A crop of a real picture at a chance scale, mirrored or turned by chance, its brightness changed.

    Args:
        picture: Shape [row, column], 0 to 1.
        random: Where all choices come from.
        side: Rows and columns of the crop.
    """
    scale = max(random.uniform(0.3, 1.6), (side + 1) / min(picture.shape))
    sized = cv2.resize(
        picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    top, left = random.integers(sized.shape[0] - side + 1), random.integers(sized.shape[1] - side + 1)
    crop = np.rot90(sized[top : top + side, left : left + side], int(random.integers(4)))
    return _toned(crop[:, ::-1] if random.random() < 0.5 else crop, random)  # noqa: PLR2004


def stretched(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """A picture of any type and range as 0 to 1, the outermost thousandths clipped.

    Args:
        picture: Shape [row, column].
    """
    values = picture.astype(np.float32)
    low, high = np.percentile(values[:: max(1, values.shape[0] // 256), :: max(1, values.shape[1] // 256)], (0.1, 99.9))
    return np.asarray(np.clip((values - low) / max(high - low, 1e-6), 0, 1), np.float32)


def _toned(crop: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    toned = np.ascontiguousarray(crop) ** np.float32(random.uniform(0.5, 2)) * np.float32(random.uniform(0.3, 1))
    if random.random() < 0.25:  # noqa: PLR2004
        toned = 1 - toned
    noisy = toned + random.normal(0, random.uniform(0, 0.03), toned.shape).astype(np.float32)
    return np.asarray(np.clip(noisy, 0, 1), np.float32)


def _clouds(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    total = np.zeros((side, side), np.float32)
    for octave in range(2, 8):
        grid = random.random((2**octave, 2**octave)).astype(np.float32)
        total += cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC) * random.uniform(0.3, 0.7) ** (
            octave - 2
        )
    return _toned(np.clip((total - total.min()) / np.ptp(total), 0, 1), random)


def _discs(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    page = np.zeros((side, side), np.float32)
    for _ in range(random.integers(1, 14)):
        centre = tuple(int(place) for place in random.integers(0, side, 2))
        axes = tuple(int(length) for length in random.integers(4, side // 2, 2))
        cv2.ellipse(page, centre, axes, random.uniform(0, 180), 0, 360, random.random(), -1, cv2.LINE_AA)
    return _toned(cv2.GaussianBlur(page, (0, 0), random.uniform(0.5, 3)), random)


def _bones(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Like a slice of a head: tissue, bright rims, spongy spots, and caves with thin walls."""
    page = np.full((side, side), random.uniform(0.2, 0.6), np.float32)
    for _ in range(random.integers(2, 9)):
        centre = tuple(int(place) for place in random.integers(0, side, 2))
        axes = tuple(int(length) for length in random.integers(6, side // 3, 2))
        turned, rim = random.uniform(0, 180), int(random.integers(2, 9))
        cv2.ellipse(page, centre, axes, turned, 0, 360, random.choice([0.0, 0.1, 0.4]), -1, cv2.LINE_AA)
        cv2.ellipse(page, centre, axes, turned, *_arc(random), random.uniform(0.7, 1), rim, cv2.LINE_AA)
    for _ in range(random.integers(0, 60)):
        centre = tuple(int(place) for place in random.integers(0, side, 2))
        cv2.circle(page, centre, int(random.integers(1, 5)), random.choice([0.0, 0.9, 1.0]), -1, cv2.LINE_AA)
    spongy = (_clouds(random, side) - 0.5) * np.float32(random.uniform(0, 0.4))
    return _toned(np.clip(cv2.GaussianBlur(page, (0, 0), random.uniform(0.6, 1.6)) + spongy, 0, 1), random)


def _arc(random: np.random.Generator) -> tuple[float, float]:
    start = random.uniform(0, 360)
    return start, start + random.uniform(90, 360)


def _sector(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    speckle = random.rayleigh(0.25, (side, side)).astype(np.float32) * _clouds(random, side)
    fan = np.zeros((side, side), np.float32)
    cv2.ellipse(fan, (side // 2, 0), (side - 8, side - 8), 0, 90 - 40, 90 + 40, 1, -1)
    blurred = cv2.GaussianBlur(speckle, (0, 0), random.uniform(0.5, 1.5))
    return np.asarray(np.clip(blurred * fan * 2, 0, 1), np.float32)


def _gradient(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    slope = np.linspace(random.random(), random.random(), side, dtype=np.float32)
    return _toned(np.broadcast_to(slope[:, None], (side, side)), random)


def _flat(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    return np.full((side, side), random.choice([0.0, 0.0, random.random()]), np.float32)


_GROUNDS = (_clouds, _discs, _bones, _bones, _sector, _gradient, _flat)
