"""`sievert evaluate`: measures a model package on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN = ("balanced_accuracy", "sensitivity", "specificity", "f1", "brier", "ece", "decided", "decided_accuracy")


def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a shipped package, or a package's folder.")],
    data: Annotated[Path, typer.Argument(help="MedMNIST .npz file, or a folder with a sub-folder a class.")],
    *,
    split: Annotated[str, typer.Option(help="Of the .npz file: train, val or test.")] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Measure a model package on labelled pictures: AUC, accuracy, calibration, coverage."""
    from models.package import load_package
    from pipelines.flows.evaluate import evaluate as run

    measured = run(load_package(model), data, split=split, batch_size=batch_size)
    if json:
        console.print_json(measured)
    else:
        console.stdout().print(_table(measured))


def _table(measured: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table(title=f"{measured['package']} on {measured['data']}", show_header=False)
    table.add_row("images (positive)", f"{measured['images']} ({measured['positives']})")
    for name in ("auroc", "accuracy"):
        low, high = measured[f"{name}_low"], measured[f"{name}_high"]
        table.add_row(name, f"{measured[name]:.3f} ({low:.3f} to {high:.3f})")
    for name in _SHOWN:
        table.add_row(name.replace("_", " "), "-" if measured[name] is None else f"{measured[name]:.3f}")
    return table
