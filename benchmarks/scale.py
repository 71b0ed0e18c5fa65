"""Simulates 10⁶ to 10⁸ images on 1 to 1,000 nodes, and two worked examples: tables and plots for docs/scale.md.

Costs of an image are measured first, on the shared chest X-rays and on pictures of a mammogram's size made of them. The
seed is fixed, so that the same costs give the same tables.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from cohorts import ROOT, find_pictures
from scaleplots import draw_curves
from sections import write_section

from pipelines.cohort.declared import Declared
from pipelines.cohort.plan import Shards, cut_shards
from pipelines.flows.trial import try_sample
from pipelines.results.report.formats import duration
from pipelines.scale.costs import CostModel, Overheads
from pipelines.scale.estimate import best_size
from pipelines.scale.simulation import Run, simulate
from pipelines.scale.workload import Workload
from sievert.branchplan import EXAMPLES, ClusterProfile
from sievert.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

CLUSTER = EXAMPLES["cloud-spot"]
IMAGES = (10**6, 10**7, 10**8)
NODES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SAMPLE, TRIALS = 64, 3
BREAST_IMAGES, BREAST_SHAPE, DAY_S = 8_400_000, (3328, 2560), 86_400
CTS, CT_MACHINES, CT_S, CT_DOLLARS = 126_000, 21_000, 9 * 3600, 1_011
PICTURES = ROOT / "docs" / "images"


def measured(files: Sequence[Path]) -> CostModel:
    """The costs of a sample, in the fastest of three trials: other work on the machine only adds."""
    sample = [Declared(str(file)) for file in files]
    return min((try_sample(sample, model="default", settings=Settings()) for _ in range(TRIALS)), key=CostModel.image_s)


def mammograms(folder: Path, number: int) -> list[Path]:
    """X-rays at the size of a mammogram, with noise of their own in 16 bits, as PNG: about 10 MB each."""
    chance = np.random.default_rng(0)
    rows, columns = BREAST_SHAPE
    files = []
    for place, picture in enumerate(find_pictures()[:number]):
        grey = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
        large = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_CUBIC).astype(np.int32) * 16
        noisy = np.clip(large + chance.integers(-24, 25, size=large.shape), 0, 4095).astype(np.uint16)
        files.append(folder / f"{place:03d}.png")
        cv2.imwrite(str(files[-1]), noisy)
    return files


def run_on(costs: CostModel, images: int, nodes: int, cluster: ClusterProfile = CLUSTER) -> tuple[Workload, Run]:
    """One simulated job in shards of the best size."""
    work = Workload(cut_shards(images), costs, cluster).on(nodes)
    work = work.cut(best_size(work))
    return work, simulate(work)


def row(work: Workload, run: Run) -> str:
    """A line of a table."""
    return (
        f"| {work.shards.planned:,} | {work.cluster.nodes:,} | {work.shards.size} | {duration(run.makespan_s)} "
        f"| {run.node_hours:,.1f} | {run.cost:,.2f} | {run.failures} | {run.repeated} | {run.busy:.0%} "
        f"| {run.driver_busy:.0%} |"
    )


COLUMNS = "images, nodes, images a shard, duration, node-hours, cost, nodes lost, repeated, workers busy, actor busy"
CT_COLUMNS = "machines, preempted an hour, duration, machine-hours, cost, machines lost"
CT_CASES = ((CT_MACHINES, 0.0), (CT_MACHINES, 0.02), (CT_MACHINES, 0.10), (2100, 0.02), (210, 0.02))


def head(columns: str) -> list[str]:
    """A table's first two lines."""
    names = columns.split(", ")
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def about(costs: CostModel, what: str) -> str:
    """What was measured, in a line."""
    each = f"{costs.image_s() * 1000:.1f} ms of a CPU an image"
    size = f"{costs.read_bytes / 1e6:.2f} MB read and {costs.written_bytes / 1e3:.1f} kB written"
    return f"Measured on {what}, the fastest of {TRIALS} trials: {each}, {size}."


def curves(costs: CostModel) -> str:
    """10⁶ to 10⁸ images on 1 to 1,000 nodes."""
    lines = [about(costs, f"{SAMPLE} chest X-rays of 1024 x 1024"), "", *head(COLUMNS)]
    runs: dict[int, list[Run]] = {}
    for images in IMAGES:
        for nodes in NODES:
            work, run = run_on(costs, images, nodes)
            runs.setdefault(images, []).append(run)
            lines.append(row(work, run))
    draw_curves(PICTURES / "scale-time.svg", NODES, runs, lambda run: run.makespan_s / 3600, "hours", ideal=True)
    draw_curves(PICTURES / "scale-cost.svg", NODES, runs, lambda run: run.cost, "cost at 0.25 a node-hour")
    return "\n".join(lines)


def breast(costs: CostModel) -> str:
    """A national breast-screening year, scored again."""
    what = f"{SAMPLE} pictures of {BREAST_SHAPE[0]} x {BREAST_SHAPE[1]}"
    lines = [about(costs, what), "", *head(COLUMNS)]
    found = [run_on(costs, BREAST_IMAGES, nodes) for nodes in NODES]
    lines += [row(*one) for one in found]
    least = next(nodes for nodes in range(1, NODES[-1]) if run_on(costs, BREAST_IMAGES, nodes)[1].makespan_s <= DAY_S)
    run = run_on(costs, BREAST_IMAGES, least)[1]
    rate = BREAST_IMAGES / run.makespan_s
    lines += ["", f"The year in a day: {least} nodes, {duration(run.makespan_s)}, {rate:.0f} images a second, "]
    lines[-1] += f"{run.node_hours:,.0f} node-hours, {run.cost:,.2f}."
    runs = {BREAST_IMAGES: [run for _, run in found]}
    draw_curves(PICTURES / "scale-breast.svg", NODES, runs, lambda run: run.makespan_s / 3600, "hours", line=24)
    return "\n".join(lines)


def ct_work(ct_s: float, machines: int, price: float, preempted: float) -> Workload:
    """One CT a shard, one at a time on a small machine."""
    cluster = ClusterProfile(
        nodes=machines, cpus=1, price_per_hour=price, start_s=120, preemptions_per_hour=preempted, replace_s=180
    )
    costs = CostModel(1, {"predict": ct_s}, spread=0.3, overheads=Overheads())
    return Workload(Shards(CTS, 1), costs, cluster)


def cts() -> str:
    """What a CT took if 126,000 of them took 9 hours on 21,000 machines, and the same elsewhere."""
    trial = simulate(ct_work(3600, CT_MACHINES, 0, 0), in_hand=1).makespan_s
    edge = ct_work(3600, CT_MACHINES, 0, 0).before_s
    ct_s = 3600 * (CT_S - edge) / (trial - edge)
    price = CT_DOLLARS / (CT_MACHINES * CT_S / 3600)
    lines = [f"A CT: {ct_s / 60:.0f} min of a machine; a machine: ${price:.4f} an hour, held to the end.", ""]
    lines += head(CT_COLUMNS)
    for machines, preempted in CT_CASES:
        run = simulate(ct_work(ct_s, machines, price, preempted), in_hand=1)
        lines.append(
            f"| {machines:,} | {preempted:.0%} | {duration(run.makespan_s)} | {run.node_hours:,.0f} "
            f"| ${run.cost:,.0f} | {run.failures:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, simulate, print; write docs/scale.md where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="tables into docs/scale.md; plots are drawn anyway")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        chest = measured(find_pictures()[:SAMPLE])
        mammogram = replace(measured(mammograms(Path(folder), SAMPLE)), overheads=chest.overheads)
    for name, text in (("curves", curves(chest)), ("breast", breast(mammogram)), ("ct", cts())):
        print(f"{text}\n")
        if write:
            write_section(name, text)


if __name__ == "__main__":
    main()
