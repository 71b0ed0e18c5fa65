"""One HTML page about a comparison: the tables, a picture, how each row was made."""

from __future__ import annotations

import base64
import io
from typing import Any

from pipelines.evaluation.compare_tables import make_tables
from pipelines.evaluation.rendering import render

_TEMPLATE = "compare.html.jinja"


def write_page(summary: dict[str, Any]) -> str:
    """One HTML file that loads nothing: no network, no script, no font. The same summary gives the same text.

    Args:
        summary: Of `pipelines.flows.comparing.summary.summarise`.
    """
    picture = base64.b64encode(draw_trade(summary).encode()).decode()
    return render(_TEMPLATE, summary=summary, tables=make_tables(summary), picture=picture)


def draw_trade(summary: dict[str, Any]) -> str:
    """AUC of each row against its time on one core, as SVG; discs grow with the model's size."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "sievert", "font.size": 10}):
        figure = Figure(figsize=(8, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for row in summary["rows"]:
            _draw_row(axes, row, reference=row["name"] == summary["reference"])
        axes.set_xscale("log")
        axes.margins(0.15)
        axes.set_xlabel("Time of one image on one core (ms, logarithmic)")
        axes.set_ylabel("AUC on the test split (95 % interval)")
        axes.grid(visible=True, alpha=0.3)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _draw_row(axes: Any, row: dict[str, Any], *, reference: bool) -> None:  # noqa: ANN401 - matplotlib's own type
    told, time_ms = row["figures"]["auroc"], row["latency_ms"]["one_core"]
    colour = "#b3471d" if reference else "#2a5d84"
    spread = [[max(told["mean"] - told["low"], 0)], [max(told["high"] - told["mean"], 0)]]
    axes.errorbar(time_ms, told["mean"], yerr=spread, color=colour, capsize=3, linewidth=1)
    axes.scatter(time_ms, told["mean"], s=30 + 12 * row["onnx_mb"] ** 0.9, color=colour, alpha=0.55, zorder=3)
    label = f"{row['name']} ({row['onnx_mb']:.1f} MB)"
    axes.annotate(label, (time_ms, told["mean"]), xytext=(9, 7), textcoords="offset points", color=colour)
