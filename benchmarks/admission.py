"""Admission and preprocessing alone, against hand-written loops over the same files and MONAI's transforms.

The 100 chest X-rays (PNG, 1024 x 1024) and uncompressed DICOM slices (512 x 512, the shared CT repeated under new
UIDs): one process, one core, then through Ray Data on every core, steady state (the time of N less that of N / 4, so
that no start is in it). The loops do the same steps with OpenCV and pydicom; they check nothing and hide nobody.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pydicom
from cohorts import SHARED, find_pictures
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from models.recipe import Recipe, standard_recipe
from pipelines.admit.admission import admit
from pipelines.admit.reading import read_source
from pipelines.admit.scope import Scope
from pipelines.preprocess.steps import apply_recipe
from sievert.records import PlannedInput, Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Work = Callable[[str], NDArray[np.float32]]

SIDE = 224
RECIPE: Recipe = standard_recipe(rows=SIDE, columns=SIDE)
POLICY, CHEST, HEAD = AdmitSettings(), Scope(("CR", "DX"), ("CHEST",)), Scope(("CT",), ("HEAD",))
PLAIN_TARGET, RAY_TARGETS, MONAI_TARGET = 0.90, {"X-rays": 0.80, "DICOM": 0.50}, 5.0


def ours(source: str) -> NDArray[np.float32]:
    """Read, admit, de-identify, preprocess."""
    content = read_source(source, max_bytes=POLICY.max_file_bytes)
    scope = HEAD if source.endswith(".dcm") else CHEST
    declared = {"modality": "CT", "body_part": "HEAD"} if scope is HEAD else {}
    planned = PlannedInput(0, source, None, **declared)
    outcome = content if isinstance(content, Refusal) else admit(content, planned, scope=scope, policy=POLICY).outcome
    if isinstance(outcome, Refusal):
        raise SystemExit(f"a file of the benchmark was refused: {outcome.explanation}")
    return apply_recipe(outcome.pixels, RECIPE)


def by_hand(source: str) -> NDArray[np.float32]:
    """The same picture with OpenCV and pydicom, by somebody who is in a hurry."""
    if source.endswith(".dcm"):
        dataset = pydicom.dcmread(source)
        values = np.asarray(apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset), np.float32)
        low, high = values.min(), values.max()
        picture = np.rint((values - low) * (65535 / (high - low))).astype(np.uint16)
    else:
        picture = cv2.imread(source, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    picture = cv2.medianBlur(picture, 3)
    eight = picture if picture.dtype == np.uint8 else cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    equal = cv2.createCLAHE(2.0, (8, 8)).apply(eight)
    small = cv2.resize(equal, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray((small - small.mean()) / (small.std() + 1e-6))[None]


def by_monai() -> Work:
    """The same steps as MONAI's transforms."""
    from monai.transforms import (
        Compose,
        EnsureChannelFirst,
        HistogramNormalize,
        LoadImage,
        MedianSmooth,
        NormalizeIntensity,
        Resize,
    )

    steps = [LoadImage(image_only=True), EnsureChannelFirst(), MedianSmooth(1), HistogramNormalize()]
    compose: Any = Compose([*steps, Resize((SIDE, SIDE), mode="area"), NormalizeIntensity()])
    return lambda source: np.asarray(compose(source))


def write_slices(folder: Path, number: int) -> list[str]:
    """The shared CT series over and over, each slice an object of its own."""
    folder.mkdir()
    series = [pydicom.dcmread(file) for file in sorted((SHARED / "data" / "dicom" / "ct_ge").glob("*.dcm"))]
    written = []
    for count in range(number):
        dataset = series[count % len(series)]
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID(f"1.2.3.{count}")
        sink = io.BytesIO()
        dataset.save_as(sink)
        file = folder / f"{count:06}.dcm"
        file.write_bytes(sink.getvalue())
        written.append(str(file))
    return written


def rate(work: Work, sources: Sequence[str]) -> float:
    """Files a second on this core."""
    start = time.perf_counter()
    for source in sources:
        work(source)
    return len(sources) / (time.perf_counter() - start)


class Actor:
    """What a Ray Data worker holds."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Preprocess a batch; its tensors stay where they are, as in a screening."""
        return {"sum": np.array([float(ours(str(source)).sum()) for source in batch["source"]])}


def through_ray(sources: Sequence[str]) -> float:
    """Seconds for all of them."""
    import ray

    cores = len(os.sched_getaffinity(0))
    start = time.perf_counter()
    rows = ray.data.from_items([{"source": source} for source in sources], override_num_blocks=4 * cores)
    done = rows.map_batches(Actor, batch_size=16, compute=ray.data.ActorPoolStrategy(size=cores), num_cpus=1).count()
    if done != len(sources):
        raise SystemExit("Ray Data lost a row")
    return time.perf_counter() - start


def steady(sources: Sequence[str]) -> float:
    """Files a second through Ray Data without its start."""
    quarter = through_ray(sources[: len(sources) // 4])
    return (len(sources) - len(sources) // 4) / (through_ray(sources) - quarter)


def plain(name: str, sources: Sequence[str], rounds: int) -> float:
    """Print ours against the loop by hand; returns the loop's rate."""
    rates: dict[str, list[float]] = {"ours": [], "by hand": []}
    for _ in range(rounds):
        rates["by hand"].append(rate(by_hand, sources))
        rates["ours"].append(rate(ours, sources))
    share = statistics.median(mine / hand for mine, hand in zip(rates["ours"], rates["by hand"], strict=True))
    hand, mine = (statistics.median(rates[kind]) for kind in ("by hand", "ours"))
    print(f"{name}: {mine:.1f} a second, by hand {hand:.1f}: {share:.2f} (target {PLAIN_TARGET:.2f})")
    return hand


def main() -> None:
    """Measure in turn and print medians and ratios."""
    import ray

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slices", type=int, default=5000)
    parser.add_argument("--monai-images", type=int, default=20, help="MONAI's median is slow; its rate is steady")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    pictures, cores = [str(file) for file in find_pictures()], len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        slices = write_slices(Path(folder) / "slices", chosen.slices)
        hand = {"X-rays": plain("X-rays", pictures, chosen.rounds)}
        hand["DICOM"] = plain("DICOM", slices[: chosen.slices // 5], chosen.rounds)
        monai = rate(by_monai(), pictures[: chosen.monai_images])
        times = rate(ours, pictures) / monai
        print(f"X-rays: {times:.1f} times MONAI's transforms ({monai:.2f} a second; target {MONAI_TARGET:.0f})")
        ray.init("local", num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.disable(logging.WARNING)
        for name, sources in (("X-rays", pictures * 20), ("DICOM", slices)):
            share = statistics.median(steady(sources) for _ in range(chosen.rounds)) / (cores * hand[name])
            print(f"{name} through Ray Data: {share:.2f} of {cores} loops by hand (target {RAY_TARGETS[name]:.2f})")


if __name__ == "__main__":
    main()
