"""Finds the DICOM series among a command's inputs, with progress on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sievert.cli import console

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from pipelines.admit.series.grouping import Series
    from sievert.records import Reason
    from sievert.settings import Settings


def group_inputs(inputs: list[str], to: Path, settings: Settings) -> tuple[list[Series], Counter[Reason]]:
    """The series, and how many files belong to none, by reason.

    Args:
        inputs: As the user named them.
        to: Where the command writes; its files are no inputs.
        settings: The tree.
    """
    from rich.progress import Progress

    from pipelines.admit.series.grouping import group_series
    from pipelines.cohort.sources import find_inputs

    cohort = find_inputs(inputs, leave_out=to.resolve())
    with Progress(console=console.stderr(), transient=True) as bar:
        task = bar.add_task("reading headers", total=len(cohort))
        sources = (declared.source for declared in cohort)
        return group_series(sources, max_bytes=settings.admit.max_file_bytes, seen=lambda: bar.advance(task))
