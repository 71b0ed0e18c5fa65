"""`sievert duplicates`: which inputs of a cohort are the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, effective

if TYPE_CHECKING:
    from pipelines.flows.duplicates import Found
    from sievert.settings import Settings


def duplicates(
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs, manifests, archives, URLs.", metavar="INPUT...", show_default=False
        ),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="Write the pairs as CSV: kind, first, second.", metavar="FILE")
    ] = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Find inputs that are the same file, the same pixels, or nearly the same picture.

    Near means: a perceptual hash and a thumbnail agree, as when one exposure is stored twice. The paths that it writes
    may name patients.
    """
    found = _search(inputs, effective(config))
    counts = Counter(pair.kind for pair in found.pairs)
    if to is not None:
        _write(found, to)
    if as_json:
        reasons = {reason.value: number for reason, number in found.refused.items()}
        pairs = [{"kind": pair.kind, "first": pair.first, "second": pair.second} for pair in found.pairs]
        console.print_json({"inputs": found.inputs, "counts": dict(counts), "pairs": pairs, "refused": reasons})
    else:
        _tell(found, counts)


def _search(inputs: list[str], settings: Settings) -> Found:
    from rich.progress import Progress

    from pipelines.cohort.sources import find_inputs
    from pipelines.flows.duplicates import find_duplicates

    cohort = find_inputs(inputs)
    with Progress(console=console.stderr(), transient=True) as bar:
        task = bar.add_task("looking at images", total=len(cohort))
        return find_duplicates((one.source for one in cohort), settings.admit, seen=lambda: bar.advance(task))


def _write(found: Found, to: Path) -> None:
    import csv

    from pipelines.results.disk import disk_errors

    with disk_errors("the pairs could not be written"), to.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("kind", "first", "second"))
        rows.writerows((pair.kind, pair.first, pair.second) for pair in found.pairs)


def _tell(found: Found, counts: Counter[str]) -> None:
    from pipelines.flows.duplicates import KINDS

    out = console.stdout()
    out.print(f"[bold]{found.inputs}[/] inputs: " + ", ".join(f"{counts[kind]} {kind}" for kind in KINDS))
    for pair in found.pairs[:_SHOWN]:
        out.print(f"  {pair.kind:11} {console.plain(pair.first)}\n{'':14}{console.plain(pair.second)}")
    if len(found.pairs) > _SHOWN:
        out.print(f"  and {len(found.pairs) - _SHOWN} more; --to FILE writes all")
    for reason, number in found.refused.most_common():
        out.print(f"{number} not decoded: {reason.explanation}", markup=False)


_SHOWN = 20
