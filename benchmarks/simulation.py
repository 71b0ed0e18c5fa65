"""The simulation and `sievert plan` against real runs: calibrated on one cohort, they foretell one ten times larger.

Real commands (`sievert screen`) on Ray clusters of one and of two single-CPU nodes on this machine; the cohort is the
shared chest X-rays, or drawn radiographs where those are absent. Each round calibrates on its own small job; medians
over rounds, since other work on the machine shifts all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cohorts import PATTERN, SHARED, SIEVERT, home_of
from nodes import open_nodes
from sections import write_section
from standin import Ran, StandIn, run_job, write_manifest

from pipelines.cohort.plan import cut_shards
from pipelines.cohort.simulated import write_simulated_cohort
from pipelines.scale.estimate import estimate
from pipelines.scale.finished import read_costs
from pipelines.scale.simulation import simulate
from pipelines.scale.workload import Workload
from sievert.settings import ClusterProfile

SIMULATION_TARGET, PLAN_TARGET, TENFOLD = 0.10, 0.15, 10
SEEDS, WAIT_S = 5, 0.03


@dataclass(frozen=True, slots=True)
class Compared:
    """One real run and what was foretold of it, in seconds from the command to its end.

    Attributes:
        images: How many.
        nodes: On how many.
        real_s: What it took.
        simulated_s: By the small job's costs.
        planned_s: The same in closed form.
        own_s: Simulated by what images and shards cost in this very run: what is left is the model's own error.
    """

    images: int
    nodes: int
    real_s: float
    simulated_s: float
    planned_s: float
    own_s: float


def cohort_of(folder: Path, images: int) -> Path:
    """Links to the X-rays, or to drawn ones, over and over; each is an input of its own."""
    pictures = sorted(SHARED.glob(PATTERN)) or _drawn(folder.with_name("drawn"))
    for number in range(images):
        link = folder / f"{number // len(pictures):04d}" / f"{number:07d}{pictures[number % len(pictures)].suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(pictures[number % len(pictures)])
    return folder


def _drawn(folder: Path) -> list[Path]:
    if not folder.exists():
        write_simulated_cohort(folder)
    return sorted(folder.rglob("*.dcm"))


def screen(cohort: Path, out: Path, scratch: Path, address: str) -> float:
    """A whole command on a cluster; its wall time in seconds."""
    command = [str(SIEVERT), "screen", str(cohort), "--out", str(out), "--address", address, "--json"]
    start = time.perf_counter()
    done = subprocess.run(command, env=home_of(scratch), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - start


def foretell(like: Path, own: Path, nodes: int, **overheads: float) -> tuple[float, float, float]:
    """Simulated and planned seconds of a job by another's costs, and simulated by its own.

    Args:
        like: Out folder of the job that is calibrated by.
        own: Out folder of the job that is foretold.
        nodes: That it ran on.
        overheads: What is known better than the folders tell.
    """
    images = read_costs(own).images
    works = []
    for folder in (like, own):
        costs = read_costs(folder)
        costs = replace(costs, overheads=replace(costs.overheads, **overheads))
        works.append(Workload(cut_shards(images), costs, ClusterProfile(nodes=nodes, cpus=1)))
    simulated, by_own = (statistics.median(simulate(work, seed=n).makespan_s for n in range(SEEDS)) for work in works)
    return simulated, estimate(works[0]).seconds, by_own


def one_round(few: int) -> list[Compared]:
    """Calibrate on one node, then run ten times as many there and on two."""
    many = few * TENFOLD
    found = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        small, large = cohort_of(scratch / "small", few), cohort_of(scratch / "large", many)
        with open_nodes(1) as address:
            screen(small, scratch / "like", scratch, address)
            real = {1: screen(large, scratch / "1", scratch, address)}
        with open_nodes(2) as address:
            real[2] = screen(large, scratch / "2", scratch, address)
        for nodes, seconds in real.items():
            found.append(Compared(many, nodes, seconds, *foretell(scratch / "like", scratch / str(nodes), nodes)))
    return found


def waiting_round(few: int) -> list[Compared]:
    """The same with images that only wait, so that other work on the machine shifts little; nothing is anchored."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)

        def wait(images: int, nodes: int, address: str) -> Ran:
            place = scratch / f"{images}-{nodes}"
            place.mkdir()
            manifest, size = write_manifest(place / "cohort.csv", images), cut_shards(images).size
            return run_job(manifest, place, StandIn(wait_s=WAIT_S), size=size, workers=nodes, address=address)

        with open_nodes(1) as address:
            like = wait(few, 1, address)
            real = {1: wait(few * TENFOLD, 1, address)}
        with open_nodes(2) as address:
            real[2] = wait(few * TENFOLD, 2, address)
        edges = {"command_s": 0.0, "anchor_s": like.finish_s}
        for nodes, ran in real.items():
            own = scratch / f"{few * TENFOLD}-{nodes}" / "out"
            told = foretell(scratch / f"{few}-1" / "out", own, nodes, **edges)
            found.append(Compared(few * TENFOLD, nodes, ran.total_s, *told))
    return found


def tell(rounds: list[list[Compared]], few: int) -> list[str]:
    """Medians of what was real, and of the errors, with the smallest and the largest."""
    load = f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} CPUs"
    lines = [f"calibrated on {few:,} images, 1 node; {len(rounds)} round(s), {load}"]
    for place, first in enumerate(rounds[0]):
        runs = [one[place] for one in rounds]
        real_s = statistics.median(run.real_s for run in runs)
        simulated = spread([run.simulated_s / run.real_s - 1 for run in runs])
        planned = spread([run.planned_s / run.real_s - 1 for run in runs])
        lines.append(f"{first.images:,} images, {first.nodes} node(s): {real_s:.1f} s")
        lines.append(f"  simulation {simulated}, target {SIMULATION_TARGET:.0%}")
        lines.append(f"  plan       {planned}, target {PLAN_TARGET:.0%}")
        lines.append(f"  simulation by its own images' costs {spread([run.own_s / run.real_s - 1 for run in runs])}")
    return lines


def spread(errors: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(errors):+.1%} [{min(errors):+.1%}, {max(errors):+.1%}]"


def main() -> None:
    """Measure, print, and write docs/scale.md where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="of the cohort that is calibrated on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--waits", action="store_true", help="images that only wait, instead of real ones")
    parser.add_argument("--write", action="store_true", help="into docs/scale.md")
    chosen = parser.parse_args()
    rounds = []
    for _ in range(chosen.rounds):
        rounds.append((waiting_round if chosen.waits else one_round)(chosen.images))
        print(json.dumps([[run.images, run.nodes, round(run.real_s, 1)] for run in rounds[-1]]), file=sys.stderr)
    lines = tell(rounds, chosen.images)
    print("\n".join(lines))
    if chosen.write:
        write_section("waits" if chosen.waits else "checks", "```\n" + "\n".join(lines) + "\n```")


if __name__ == "__main__":
    main()
