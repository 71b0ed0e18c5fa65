"""Peak memory of the driver, of each worker and of the results actor, for 1,000 and for 20,000 images."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from cohorts import SIEVERT, home_of, link_cohort

EVERY_S = 0.5
FEW, TOLERANCE = 1000, 1.10
ROLES = {"worker": "MapWorker", "results actor": "JobCollector"}


def own_bytes(process: psutil.Process) -> int:
    """Anonymous memory of the process (RssAnon of proc(5)).

    Neither Ray's shared object store nor mapped libraries are in it: those come and go with what else is running.
    """
    lines = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:")), 0)


def role_of(process: psutil.Process) -> str | None:
    """What one of Ray's processes does, by the title that Ray gives it."""
    title = " ".join(process.cmdline())
    return next((role for role, sign in ROLES.items() if sign in title), None)


def watch(driver: psutil.Process, peaks: dict[str, int]) -> None:
    """Raise the peaks to what is used now."""
    peaks["driver"] = max(peaks.get("driver", 0), own_bytes(driver))
    for child in driver.children(recursive=True):
        try:
            role = role_of(child)
            if role:
                peaks[role] = max(peaks.get(role, 0), own_bytes(child))
        except (psutil.Error, OSError):
            continue  # it ended meanwhile


def peaks_of(images: int) -> dict[str, int]:
    """Peaks in bytes by role, over one whole screening."""
    peaks: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cohort = link_cohort(scratch / "in", images)
        command = [str(SIEVERT), "screen", str(cohort), "--out", str(scratch / "out"), "--json"]
        with subprocess.Popen(
            command, env=home_of(scratch), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            driver = psutil.Process(run.pid)
            while run.poll() is None:
                try:
                    watch(driver, peaks)
                except (psutil.Error, OSError):
                    break
                time.sleep(EVERY_S)
            if run.wait():
                sys.exit(f"the screening ended with {run.returncode}")
    return peaks


def main() -> None:
    """Measure and print, with the ratio between the two sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    many = parser.parse_args().images
    few, lots = peaks_of(FEW), peaks_of(many)
    print(f"peak memory in MiB, {FEW:,} and {many:,} images (target: within {TOLERANCE - 1:.0%})")
    for role in few:
        ratio = lots[role] / few[role]
        print(f"{role:<14} {few[role] / 2**20:8.0f} {lots[role] / 2**20:8.0f}   ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
