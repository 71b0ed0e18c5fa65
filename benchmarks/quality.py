"""How well the quality limits of the chest X-ray policy tell good radiographs from spoilt ones, and what they cost.

The NIH radiographs as they are, and each of them spoilt in one way; prints which share is refused.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pipelines.admit.quality import check_quality
from sievert.records import Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[Any]

LIMITS = AdmitSettings(preset="chest-x-ray").quality


def narrowed(picture: Picture) -> Picture:
    """All but the middle quarter covered by the collimator."""
    rows, columns = picture.shape
    middle = (slice(rows // 4, rows // 4 * 3), slice(columns // 4, columns // 4 * 3))
    covered = np.zeros_like(picture)
    covered[middle] = picture[middle]
    return covered


SPOILT: dict[str, Callable[[Picture], Picture]] = {
    "as they are": lambda picture: picture,
    "out of focus (Gaussian of 3 pixels)": lambda picture: cv2.GaussianBlur(picture, (0, 0), 3),
    "out of focus (Gaussian of 6 pixels)": lambda picture: cv2.GaussianBlur(picture, (0, 0), 6),
    "overexposed (2.2 times as bright)": lambda picture: np.clip(picture * 2.2, 0, 255).astype(np.uint8),
    "nearly blank (a twentieth of contrast)": lambda picture: (picture * 0.05 + 100).astype(np.uint8),
    "collimated to a quarter": narrowed,
}


def main() -> None:
    """Print the shares."""
    shared = Path(os.environ.get("SIEVERT_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    files = sorted((shared / "data/cxr_nih").rglob("*.*"))
    pictures = [np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) for file in files]
    for name, spoil in SPOILT.items():
        spoilt, times, refused = [spoil(picture) for picture in pictures], [], 0
        for picture in spoilt:
            start = time.perf_counter()
            refused += isinstance(check_quality(picture, LIMITS), Refusal)
            times.append(time.perf_counter() - start)
        share = refused / len(spoilt)
        print(f"{name:<40} {share:6.1%} of {len(spoilt)} refused, {statistics.median(times) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
