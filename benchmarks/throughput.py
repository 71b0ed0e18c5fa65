"""Images a second of a whole screening, against the machine's limit and against what users run, in turn.

Ours is (N - 100) images over the difference of the wall times of two whole commands, for N images and for 100: reading,
admission, prediction, Grad-CAM, sealing, proof and writing, without the start. The others time themselves.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cohorts import PATTERN, ROOT, SHARED, find_pictures, home_of, link_cohort, screen

FEW = 100
ONNX = ROOT / "models" / "shipped" / "default" / "models" / "model.onnx"
LIMIT_TARGET, MONAI_TARGET = 0.80, 8.0


def ours(small: Path, large: Path, images: int, scratch: Path) -> float:
    """Images a second of Sievert."""
    home, walls = home_of(scratch), []
    for cohort in (small, large):
        out = scratch / "out"
        walls.append(screen(cohort, out, home)[0])
        shutil.rmtree(out)
    return (images - FEW) / (walls[1] - walls[0])


def peer(script: str, *arguments: str) -> float:
    """Images a second that a peer's script prints."""
    command = [sys.executable, str(SHARED / "peers" / script), str(SHARED / PATTERN), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r": ([\d.]+) images/s", done.stdout)
    if not found:
        sys.exit(f"{script} printed no rate:\n{done.stdout}{done.stderr}")
    return float(found.group(1))


def told(name: str, rates: list[float]) -> str:
    """A row: median, smallest and largest."""
    return f"{name:<34} {statistics.median(rates):8.2f}   ({min(rates):.2f} to {max(rates):.2f})"


def main() -> None:
    """Measure in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--monai-images", type=int, default=200, help="the MONAI script is slow; its rate is steady")
    chosen = parser.parse_args()
    find_pictures()
    rates: dict[str, list[float]] = {"hand-tuned": [], "sievert": [], "monai": []}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        small, large = link_cohort(scratch / "small", FEW), link_cohort(scratch / "large", chosen.images)
        for _ in range(chosen.rounds):
            rates["hand-tuned"].append(peer("handtuned.py", str(chosen.images // FEW), str(ONNX)))
            rates["sievert"].append(ours(small, large, chosen.images, scratch))
        for _ in range(max(1, chosen.rounds // 2)):
            rates["monai"].append(peer("monai_script.py", str(max(1, chosen.monai_images // FEW)), "effb0"))
    report(rates, chosen.images)


def report(rates: dict[str, list[float]], images: int) -> None:
    """Print the table, and the ratios pair by pair."""
    print(f"images a second over {images} chest X-rays of 1024 x 1024, median (smallest to largest)")
    print(told("hand-tuned loop, our network", rates["hand-tuned"]))
    print(told("sievert screen, everything on", rates["sievert"]))
    print(told("MONAI script, EfficientNet-B0", rates["monai"]))
    pairs = [mine / limit for mine, limit in zip(rates["sievert"], rates["hand-tuned"], strict=True)]
    spread = f"pairs {min(pairs):.2f} to {max(pairs):.2f}"
    print(f"of the limit: {statistics.median(pairs):.2f} (target {LIMIT_TARGET:.2f}; {spread})")
    times = statistics.median(rates["sievert"]) / statistics.median(rates["monai"])
    print(f"times MONAI:  {times:.1f} (target {MONAI_TARGET:.0f})")


if __name__ == "__main__":
    main()
