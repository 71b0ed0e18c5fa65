"""The cohort that benchmarks run on: the 100 shared chest X-rays, repeated by links."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SIEVERT_SHARED", ROOT.parent / "shared"))
SIEVERT = Path(sys.executable).with_name("sievert")
PATTERN = "data/cxr_nih/*/*.png"


def find_pictures() -> list[Path]:
    """The 100 pictures; leaves with a word where they are absent."""
    pictures = sorted(SHARED.glob(PATTERN))
    if not pictures:
        sys.exit("the chest X-rays are absent: put the shared data at ../shared or name its folder in SIEVERT_SHARED")
    return pictures


def link_cohort(folder: Path, images: int) -> Path:
    """A folder of links to the pictures, repeated to a number; each is an input of its own."""
    pictures = find_pictures()
    for number in range(images):
        link = folder / f"{number // len(pictures):03d}" / pictures[number % len(pictures)].name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(pictures[number % len(pictures)])
    return folder


def home_of(folder: Path) -> dict[str, str]:
    """An environment with keys and ledger of the benchmark's own."""
    return {**os.environ, "XDG_DATA_HOME": str(folder / "home")}


def screen(cohort: Path, out: Path, home: dict[str, str]) -> tuple[float, dict[str, Any]]:
    """One whole command: its wall time in seconds, and what it answered."""
    start = time.perf_counter()
    command = [str(SIEVERT), "screen", str(cohort), "--out", str(out), "--json"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return wall_s, json.loads(done.stdout)
