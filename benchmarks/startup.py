"""How long 100 images take from the command to the finished report, Ray's start included; and `sievert --help`."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from cohorts import SIEVERT, home_of, link_cohort, screen

IMAGES, ROUNDS, TARGET_S, HELP_TARGET_S = 100, 5, 40.0, 0.5


def help_s() -> float:
    """Seconds that `sievert --help` takes."""
    start = time.perf_counter()
    subprocess.run([str(SIEVERT), "--help"], capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print medians."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cohort, walls = link_cohort(scratch / "in", IMAGES), []
        for _ in range(ROUNDS):
            walls.append(screen(cohort, scratch / "out", home_of(scratch))[0])
            shutil.rmtree(scratch / "out")
    print(f"{IMAGES} images, command to report: {statistics.median(walls):.1f} s (target under {TARGET_S:.0f} s)")
    print(
        f"sievert --help: {statistics.median(help_s() for _ in range(ROUNDS)):.2f} s (target under {HELP_TARGET_S} s)"
    )


if __name__ == "__main__":
    main()
