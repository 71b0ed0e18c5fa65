"""The tables of a comparison, as rows of text: the same for Markdown, the terminal and the HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be shown.

    Attributes:
        title: Above it.
        head: Names of the columns.
        rows: Cells; the first of a row names it.
        note: Below it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def make_tables(summary: dict[str, Any]) -> tuple[Table, ...]:
    """Accuracy and AUC; precision, recall and F1; time and size; differences to the reference.

    Args:
        summary: Of `pipelines.flows.comparing.summary.summarise`.
    """
    rows = summary["rows"]
    seeds, test = summary["seeds"], summary["data"]["test"]
    who = f"Mean of {seeds} seeds on {test} test images, ± standard deviation over seeds;"
    note = (
        f"{who if seeds > 1 else f'One seed on {test} test images;'} in brackets the 95 % interval of a bootstrap over "
        "images. Calls by arg-max, but for the last column: there at the threshold that each package took from the "
        "validation split, as in a screening. Precision, recall and F1 are macro averages."
    )
    tables = [
        Table(
            "Accuracy and AUC",
            ("model", "accuracy", "AUC", "AUPRC", "accuracy at the threshold"),
            _figures(rows, "accuracy", "auroc", "auprc", "accuracy_at_threshold"),
            note,
        ),
        Table(
            "Precision, recall and F1",
            ("model", "precision", "recall", "F1"),
            _figures(rows, "precision", "recall", "f1"),
        ),
        Table(
            "Inference time and model size", _time_head(rows), tuple(_times(row) for row in rows), _time_note(summary)
        ),
    ]
    if seeds > 1:
        tables.append(_ensembles(summary))
    if len(rows) > 1:
        tables.append(_differences(summary))
    return tuple(tables)


def to_markdown(tables: tuple[Table, ...]) -> str:
    """The tables in Markdown, each with its title and note."""
    return "\n".join(_one_markdown(table) for table in tables)


def _one_markdown(table: Table) -> str:
    lines = [f"### {table.title}", "", _line(table.head), _line(tuple("---" for _ in table.head))]
    lines += [_line(row) for row in table.rows]
    return "\n".join([*lines, "", *([table.note, ""] if table.note else [])])


def _ensembles(summary: dict[str, Any]) -> Table:
    names, seeds = ("auroc", "accuracy", "f1"), summary["seeds"]
    rows = tuple((row["name"], *(_figure(row["ensemble"][name]) for name in names)) for row in summary["rows"])
    note = f"Mean of what the {seeds} networks of a row say: {seeds} times its size and its time."
    return Table(f"Ensembles of {seeds} seeds", ("model", "AUC", "accuracy", "F1"), rows, note)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _figures(rows: list[dict[str, Any]], *names: str) -> tuple[tuple[str, ...], ...]:
    return tuple((row["name"], *(_figure(row["figures"][name]) for name in names)) for row in rows)


def _figure(told: dict[str, Any]) -> str:
    spread = f" ± {told['sd']:.3f}" if len(told["seeds"]) > 1 else ""
    return f"{told['mean']:.3f}{spread} ({told['low']:.3f} to {told['high']:.3f})"


def _time_head(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    cores = rows[0]["latency_ms"]["cores"]
    gpu = ("GPU, ms",) if rows[0]["latency_ms"]["gpu"] is not None else ()
    return ("model", "one core, ms", f"{cores} cores, ms", *gpu, "ONNX, MB", "weights, MB", "parameters")


def _times(row: dict[str, Any]) -> tuple[str, ...]:
    latency = row["latency_ms"]
    gpu = (f"{latency['gpu']:.2f}",) if latency["gpu"] is not None else ()
    sizes = (f"{row['onnx_mb']:.2f}", f"{row['weights_mb']:.2f}", f"{row['parameters']:,}")
    return (row["name"], f"{latency['one_core']:.2f}", f"{latency['all_cores']:.2f}", *gpu, *sizes)


def _time_note(summary: dict[str, Any]) -> str:
    size = " \N{MULTIPLICATION SIGN} ".join(map(str, summary["shape"]))
    looks = "" if summary["views"] == "plain" else f" Each time covers all views of an image ({summary['views']})."
    return f"One image of {size} pixels through the package's ONNX file, median of warmed runs taken in turn.{looks}"


def _differences(summary: dict[str, Any]) -> Table:
    reference = summary["reference"]
    rows = tuple(
        (row["name"], *(_difference(row["differences"][name]) for name in ("auroc", "accuracy", "f1")))
        for row in summary["rows"]
        if "differences" in row
    )
    note = f"By how much {reference} is ahead (+) or behind (-): 95 % interval and two-sided p of a paired bootstrap."
    return Table(f"{reference} less each other", ("model", "AUC", "accuracy", "F1"), rows, note)


def _difference(told: dict[str, Any]) -> str:
    return f"{told['difference']:+.3f} ({told['low']:+.3f} to {told['high']:+.3f}; p = {told['p']:.3f})"
