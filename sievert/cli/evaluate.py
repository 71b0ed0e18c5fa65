"""`sievert evaluate`: measures a model package on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.flows.evaluate import Evaluation

_SHOWN = (
    "auroc",
    "auprc",
    "accuracy",
    "accuracy_argmax",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "f1",
    "f1_macro",
    "sensitivity_at_specificity_90",
    "sensitivity_at_specificity_95",
    "specificity_at_sensitivity_90",
    "specificity_at_sensitivity_95",
    "brier",
    "ece",
    "decided",
    "decided_accuracy",
)
_OF_A_GROUP = ("auroc", "accuracy", "sensitivity", "specificity")


def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a shipped package, or a package's folder.")],
    data: Annotated[
        Path, typer.Argument(help="MedMNIST .npz file, folder with a sub-folder a class, or manifest with labels.")
    ],
    *,
    split: Annotated[
        str | None, typer.Option(help="train, val or test (default: test; all of a set that names no splits).")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another package to compare with on the same images.", metavar="MODEL")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="Column of the manifest to look at subgroups of; again for another.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write one HTML page with pictures.", metavar="FILE")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Measure a model package on labelled images: AUC, accuracy, calibration, subgroups, each with its interval."""
    from models.package import load_package
    from pipelines.flows.evaluate import examine

    rival = load_package(against) if against else None
    found = examine(load_package(model), data, split=split, batch_size=batch_size, against=rival, by=by or ())
    if report is not None:
        write_page(found, report)
    if json:
        console.print_json(found.answer)
        return
    _print(found.answer)
    if report is not None:
        console.stdout().print(f"report: {console.plain(report)}")


def write_page(found: Evaluation, file: Path) -> None:
    """Write an evaluation as one HTML page.

    Raises:
        StorageError: It cannot be written.
    """
    from pipelines.evaluation.page import render_evaluation
    from pipelines.evaluation.pictures import draw_pictures
    from pipelines.results.disk import disk_errors, write_whole

    rival = None if found.rival is None else ("the other", found.rival)
    page = render_evaluation(found.answer, draw_pictures(found.judged, found.answer["labels"], rival=rival))
    with disk_errors("the report's folder could not be made"):
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
    write_whole(file.absolute(), page.encode(), drafts=file.absolute().parent, mode=0o644)


def _print(answer: dict[str, Any]) -> None:
    out = console.stdout()
    out.print(_figures(answer))
    for column, groups in answer["subgroups"].items():
        out.print(_groups(column, groups))
    if answer["comparison"]:
        out.print(_comparison(answer))


def _figures(answer: dict[str, Any]) -> Table:
    from rich.table import Table

    split = f" ({answer['split']})" if answer["split"] else ""
    table = Table(
        title=f"{console.plain(answer['package'])} on {console.plain(answer['data'])}{split}", show_header=False
    )
    table.add_row("images (positive)", f"{answer['images']} ({answer['positives']})")
    for name in _SHOWN:
        table.add_row(name.replace("_", " "), _told(answer, name))
    for label, found in zip(answer["labels"], answer["per_class"], strict=True):
        table.add_row(f"f1 of {console.plain(label)}", _told(found, "f1"))
    return table


def _groups(column: str, groups: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(console.plain(column), "images (positive)", *_OF_A_GROUP)
    for group in groups:
        told = [_told(group, name) for name in _OF_A_GROUP] if "note" not in group else [group["note"]]
        table.add_row(console.plain(group["group"]), f"{group['images']} ({group['positives']})", *told)
    return table


def _comparison(answer: dict[str, Any]) -> Table:
    from rich.table import Table

    comparison = answer["comparison"]
    title = f"{console.plain(answer['package'])} less {console.plain(comparison['against'])}"
    table = Table("", "this", "other", "difference", "p", title=title)
    for name in ("auroc", "delong", "accuracy", "accuracy_argmax"):
        found = comparison[name]
        if found:
            both = (f"{found[which]:.3f}" for which in ("first", "second"))
            difference = f"{found['difference']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
            table.add_row(name.replace("_", " "), *both, difference, f"{found['p']:.3f}")
    return table


def _told(found: dict[str, Any], name: str) -> str:
    if found[name] is None:
        return "-"
    low, high = found[f"{name}_low"], found[f"{name}_high"]
    return f"{found[name]:.3f} ({low:.3f} to {high:.3f})"
