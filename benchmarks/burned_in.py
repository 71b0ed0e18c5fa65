"""How much burned-in text the finder covers, at what cost in pixels and time, beside tesseract where it is installed.

Text in typefaces that training never saw is planted into pictures that training never saw: the held-out part of the
NIH chest X-rays, a CT series, and drawn backgrounds. A line counts as found when 95 % of its ink is covered.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.textfinder.boxes import Box
from models.textfinder.finding import TextFinder
from models.textfinder.grounds import draw_ground, stretched
from models.textfinder.lettering import TEST_FACES, TRAINING_FACES
from models.textfinder.making import read_pictures, split
from models.textfinder.planting import Planted, plant, plant_marks
from pipelines.admit.dicom.frames import decode_frames
from pipelines.admit.dicom.parsing import parse_dicom
from sievert.records import Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Finder = Callable[[NDArray[np.float32]], Sequence[Box]]

LINES, SEED, COVERED = 3, 20, 0.95
DRAWN, SIDE = 40, 512
HEIGHTS = (10, 40)
CONFIDENT = 30


def pictures(shared: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Backgrounds by kind, shape [row, column], 0 to 1."""
    random = np.random.default_rng(SEED)
    kinds = {"drawn, with rulers and markers": [draw_ground(random, side=SIDE) for _ in range(DRAWN)]}
    for ground in kinds["drawn, with rulers and markers"]:
        plant_marks(ground, random, faces=TRAINING_FACES)
    if (chests := sorted((shared / "data/cxr_nih").rglob("*.*"))) != []:
        kinds["NIH chest X-rays, held out"] = [stretched(one) for one in read_pictures(split(chests)[1])]
    slices = [_slice(file) for file in sorted((shared / "data/dicom/ct_ge").rglob("*.dcm"))]
    return kinds | ({"CT": slices} if slices else {})


def _slice(file: Path) -> NDArray[np.float32]:
    parsed = parse_dicom(file.read_bytes(), AdmitSettings())
    if isinstance(parsed, Refusal):
        raise SystemExit(f"a slice of the CT series was refused: {parsed.explanation}")
    return stretched(np.asarray(decode_frames(parsed))[0])


def by_tesseract(picture: NDArray[np.float32]) -> list[Box]:
    """What tesseract takes for words of two characters or more, with the same margin."""
    _, content = cv2.imencode(".png", (picture * 255).astype(np.uint8))
    done = subprocess.run(
        ["tesseract", "stdin", "stdout", "--psm", "11", "tsv"],
        input=content.tobytes(),
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    rows = csv.DictReader(io.StringIO(done.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if float(row["conf"]) >= CONFIDENT and len(row["text"].strip()) > 1]
    sides = [[int(row[name]) for name in ("top", "left", "height", "width")] for row in words]
    return [
        Box(top, left, top + high, left + wide).grown(4, 4 + high // 2, picture.shape)
        for top, left, high, wide in sides
    ]


def cover(boxes: Sequence[Box], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels lie in a box."""
    covered = np.zeros(shape, bool)
    for box in boxes:
        covered[box.part] = True
    return covered


def found(planted: Planted, covered: NDArray[np.bool_]) -> list[bool]:
    """Of each line, whether enough of its ink is covered."""
    parts = [box.part for box in planted.boxes]
    return [bool(covered[part][planted.ink[part]].mean() >= COVERED) for part in parts]


def measure(name: str, finder: Finder, kinds: dict[str, list[NDArray[np.float32]]]) -> None:
    """Print one finder's figures for each kind of picture."""
    for kind, grounds in kinds.items():
        random = np.random.default_rng(SEED)
        lines, times, flagged, lost = [], [], [], []
        for ground in grounds:
            planted = plant(ground, random, faces=TEST_FACES, lines=LINES, heights=HEIGHTS)
            start = time.perf_counter()
            boxes = finder(planted.picture)
            times.append(time.perf_counter() - start)
            lines += found(planted, cover(boxes, ground.shape))
            clean = cover(finder(ground), ground.shape)
            flagged.append(bool(clean.any()))
            lost.append(float(clean.mean()))
        print(
            f"{name:<10} {kind:<32} lines found {np.mean(lines):6.1%} of {len(lines)}, "
            f"{statistics.median(times) * 1e3:6.1f} ms; "
            f"without text: {np.mean(flagged):4.0%} of {len(grounds)} flagged, {np.mean(lost):.2%} of pixels"
        )


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("SIEVERT_SHARED", "../shared")))
    kinds = pictures(parser.parse_args().shared)
    measure("sievert", TextFinder().find, kinds)
    if shutil.which("tesseract"):
        measure("tesseract", by_tesseract, kinds)
    else:
        print("tesseract is not installed (Debian: tesseract-ocr)")


if __name__ == "__main__":
    main()
