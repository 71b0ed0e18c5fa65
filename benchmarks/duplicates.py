"""How well near-duplicates are told from other patients' images of the same kind.

Each of the 100 NIH chest X-rays against itself stored in another way, and all different ones against each other; then
the 5,856 thumbnails of PneumoniaMNIST against each other, where the set's splits stand beside what is found.
"""

from __future__ import annotations

import os
import time
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pipelines.preprocess.likeness import Fingerprint, fingerprint, near_duplicates

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[Any]


def compressed(picture: Picture) -> Picture:
    """As JPEG of quality 50."""
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 0))


STORED: dict[str, Callable[[Picture], Picture]] = {
    "as JPEG of quality 50": compressed,
    "at half the size": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "with 16 bits and another window": lambda picture: picture.astype(np.uint16) * 180 + 900,
    "lighter (gamma 0.8)": lambda picture: np.asarray((picture / 255) ** 0.8 * 255, np.uint8),
    "cut by 2 % on each side": lambda picture: picture[20:-20, 20:-20],
}


def main() -> None:
    """Print shares and counts."""
    shared = Path(os.environ.get("SIEVERT_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    pictures = [np.asarray(cv2.imread(str(file), 0)) for file in sorted((shared / "data/cxr_nih").rglob("*.*"))]
    prints = [fingerprint(picture) for picture in pictures]
    for name, store in STORED.items():
        again = [fingerprint(store(picture)) for picture in pictures]
        found = sum(bool(list(near_duplicates(pair))) for pair in zip(prints, again, strict=True))
        print(f"{name:<34} recognised {found} of {len(pictures)}")
    wrong = len(list(near_duplicates(prints)))
    print(f"{'different ones taken for the same':<34} {wrong} of {len(list(combinations(prints, 2)))} pairs")
    _of_a_set(shared / "data/medmnist/pneumoniamnist.npz")


def _of_a_set(file: Path) -> None:
    with np.load(file) as arrays:
        parts = {split: arrays[f"{split}_images"] for split in ("train", "val", "test")}
    splits = np.repeat(list(parts), [len(part) for part in parts.values()])
    images = np.concatenate(list(parts.values()))
    start = time.perf_counter()
    prints: list[Fingerprint] = [fingerprint(image) for image in images]
    middle = time.perf_counter()
    pairs = list(near_duplicates(prints))
    exact = sum(bool(np.array_equal(images[one], images[other])) for one, other in pairs)
    across = sum(splits[one] != splits[other] for one, other in pairs)
    told = f"{len(pairs)} pairs, {exact} of them equal, {across} across splits"
    print(
        f"PneumoniaMNIST, {len(images):,} images: {told}; {(middle - start) / len(images) * 1e3:.2f} ms an image, ",
        end="",
    )
    print(f"{time.perf_counter() - middle:.2f} s for all pairs")


if __name__ == "__main__":
    main()
