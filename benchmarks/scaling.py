"""Two nodes against one, what orchestration costs, and 10⁶ images that cost nothing: on this machine, by stand-ins.

A node is a Ray node of one CPU. Efficiency is the time of one node over twice that of two, from the first worker's
beginning to the last commit; in brackets with the start of the pool, which a long job does not feel. Medians.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from nodes import open_nodes
from sections import write_section
from standin import Ran, StandIn, run_job, write_manifest

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, IDENTITY_SIZE = 32, 1024
WAITS, COMPUTES = StandIn(wait_s=0.02), StandIn(blocks=500)
WAIT_TARGET, COMPUTE_TARGET, OVERHEAD_TARGET, FLAT = 0.95, 0.85, 0.05, 1.10
OVERHEAD_SIZE, BARE_IMAGES = 256, 512
MIB = 2**20


def ran(images: int, image: StandIn, *, size: int, nodes: int | None) -> Ran:
    """One job in a folder of its own; without nodes on a local session of all cores."""
    with tempfile.TemporaryDirectory() as folder, open_nodes(nodes) if nodes else nullcontext() as address:
        scratch = Path(folder)
        manifest = write_manifest(scratch / "cohort.csv", images)
        return run_job(manifest, scratch, image, size=size, workers=nodes or 2, address=address)


def efficiency(images: int, image: StandIn, rounds: int) -> tuple[float, float, float]:
    """Without and with the pool's start; and of plain processes in between."""
    pairs, plain = [], []
    for _ in range(rounds):
        pairs.append([ran(images, image, size=SIZE, nodes=nodes) for nodes in (1, 2)])
        plain.append(bare(image))

    def ratio(seconds: Callable[[Ran], float]) -> float:
        return statistics.median(seconds(one) / (2 * seconds(two)) for one, two in pairs)

    return ratio(lambda job: job.wall_s - job.pool_s), ratio(lambda job: job.wall_s), statistics.median(plain)


def bare(image: StandIn) -> float:
    """The same of plain processes without Ray: what the machine itself gives a second one, with all else that runs."""
    walls = []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(image.take_many, [1, 1])
        for share in ([BARE_IMAGES], [BARE_IMAGES // 2] * 2):
            start = time.perf_counter()
            pool.map(image.take_many, share, chunksize=1)
            walls.append(time.perf_counter() - start)
    return walls[0] / (2 * walls[1])


def overhead(images: int) -> float:
    """What one worker's time holds beyond its images' stages, as a part of those."""
    job = ran(images, WAITS, size=OVERHEAD_SIZE, nodes=1)
    return (job.wall_s - job.pool_s) / job.stages_s - 1


def scale(images: int, rounds: int) -> list[str]:
    """The lines of efficiency and overhead."""
    lines = [f"{rounds} round(s), load {os.getloadavg()[1]:.1f} on {os.cpu_count()} CPUs"]
    for name, image, target in (("waits", WAITS, WAIT_TARGET), ("computes", COMPUTES, COMPUTE_TARGET)):
        alone, whole, plain = efficiency(images, image, rounds)
        told = f"two nodes, a stage that {name:9} {alone:6.3f} ({whole:.3f})   target {target}"
        lines.append(f"{told}; two plain processes {plain:.3f}")
    part = statistics.median(overhead(images) for _ in range(rounds))
    lines.append(f"overhead at {OVERHEAD_SIZE} images a shard   {part:6.1%}           target {OVERHEAD_TARGET:.0%}")
    return lines


def identity(images: int) -> list[str]:
    """Images that cost nothing, through plan, shards and results."""
    job = ran(images, StandIn(), size=IDENTITY_SIZE, nodes=None)
    rate = images / (job.wall_s - job.pool_s)
    times = f"plan {job.plan_s:.1f} s, shards {job.wall_s:.1f} s, finish {job.finish_s:.1f} s"
    lines = [f"{images:,} images that cost nothing, 2 workers: {times}; {rate:,.0f} images a second"]
    for role, seen in job.memory.items():
        early, late, peak = seen[len(seen) // 10], seen[-1], job.peak[role]
        flat = "flat" if late <= early * FLAT else "not flat"
        told = f"{early / MIB:6.0f} MiB after a tenth of the shards, {late / MIB:.0f} MiB after the last: {flat}"
        lines.append(f"{role:14} {told}; {peak / MIB:.0f} MiB at most")
    return lines


def main() -> None:
    """Measure, print, and write docs/scale.md where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--identity", type=int, default=0, help="only this: so many images that cost nothing")
    parser.add_argument("--write", action="store_true", help="into docs/scale.md")
    chosen = parser.parse_args()
    lines = identity(chosen.identity) if chosen.identity else scale(chosen.images, chosen.rounds)
    print("\n".join(lines))
    if chosen.write:
        write_section("identity" if chosen.identity else "scaling", "```\n" + "\n".join(lines) + "\n```")


if __name__ == "__main__":
    main()
