"""Draws what a simulated cluster takes over its number of nodes, as small SVG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pipelines.scale.simulation import Run

COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Told apart by any eye (Okabe and Ito, 2008)."""
MARKS = ("o", "s", "^")


def draw_curves(  # noqa: PLR0913 - what an axis needs
    file: Path,
    nodes: Sequence[int],
    runs: Mapping[int, Sequence[Run]],
    value: Callable[[Run], float],
    unit: str,
    *,
    ideal: bool = False,
    line: float | None = None,
) -> None:
    """A curve for each number of images.

    Args:
        file: Where to.
        nodes: Along the axis.
        runs: By number of images, in the order of nodes.
        value: What is drawn of a run.
        unit: Of that.
        ideal: Draw dotted what twice the nodes in half the time would be.
        line: A limit to draw.
    """
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for (images, found), colour, mark in zip(runs.items(), COLOURS, MARKS, strict=False):
        values = [value(run) for run in found]
        axes.plot(nodes, values, color=colour, marker=mark, markersize=4, label=f"{images:,} images")
        if ideal:
            axes.plot(nodes, [values[0] * nodes[0] / number for number in nodes], ":", color=colour, linewidth=1)
    if line is not None:
        axes.axhline(line, color="#555555", linewidth=1, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="nodes of 16 CPUs", ylabel=unit)
    axes.grid(visible=True, which="major", color="#dddddd")
    axes.legend(frameon=False)
    with mpl.rc_context({"svg.hashsalt": file.stem, "svg.fonttype": "none"}):
        figure.savefig(file, metadata={"Date": None, "Creator": None})
