"""Lists pictures that lie in files of their own: a folder with a sub-folder a class, or a manifest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.labelled.classes import number_classes
from pipelines.labelled.decoding import decode_file, patient_in_header
from pipelines.labelled.listing import Listing, Picture
from sievert.errors import LabelError
from sievert.records import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Row:
    """A picture's file and what is said of it.

    Attributes:
        source: The file.
        label: Name of its class; None where none is asked for.
        split: Word of `SPLITS`, or None.
        patient: Who is shown, or None; then a DICOM header may say.
    """

    source: Path
    label: str | None = None
    split: str | None = None
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, and the columns that are kept for subgroups, each as long as the rows."""

    rows: Sequence[Row]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def only(self, splits: Collection[str] | None) -> Table:
        """The rows of some splits; all where `splits` is None or the set has none."""
        if splits is None or not has_splits(self.rows):
            return self
        keep = np.array([row.split in splits for row in self.rows])
        rows = [row for row, kept in zip(self.rows, keep, strict=True) if kept]
        return Table(rows, {name: values[keep] for name, values in self.columns.items()})


def has_splits(rows: Sequence[Row]) -> bool:
    """Whether every row names its split.

    Raises:
        LabelError: Some do and some do not.
    """
    without = sum(row.split is None for row in rows)
    if 0 < without < len(rows):
        raise LabelError(f"{without} of {len(rows)} pictures are in no split, but the others are")
    return not without and bool(rows)


def list_table(
    table: Table,
    name: str,
    *,
    recipe: Recipe,
    labels: tuple[str, ...] | None,
    channels: int,
    unknown_as: int | None = None,
) -> Listing:
    """List labelled files.

    Args:
        table: The files.
        name: Of the folder or manifest.
        recipe: What will be done on them.
        labels: Order of the classes, see `number_classes`.
        channels: Of the decoded pictures; a grey one repeats.
        unknown_as: See `number_classes`.

    Raises:
        LabelError: There is none, a label is missing or unknown, or only some are in a split.
    """
    rows = table.rows
    if not rows:
        raise LabelError(f"{name!r} names no picture")
    labels, truth = number_classes([row.label or "" for row in rows], labels, unknown_as=unknown_as)
    return Listing(
        name,
        labels,
        truth,
        np.array([row.split for row in rows], dtype=np.str_) if has_splits(rows) else None,
        tuple(row.patient or patient_in_header(row.source) for row in rows),
        lambda number: read_row(rows[number], recipe=recipe, channels=channels),
        table.columns,
    )


def read_row(row: Row, *, recipe: Recipe, channels: int) -> Picture | Refusal:
    """Decode one file; see `decode_file`."""
    found = decode_file(row.source, recipe=recipe)
    if isinstance(found, Refusal):
        return found
    content, decoded = found
    pixels = decoded.read(in_units=recipe.reads_values)
    if isinstance(pixels, Refusal):
        return pixels
    repeated = np.broadcast_to(pixels, (channels, *pixels.shape))
    return Picture(repeated, hashlib.sha256(content).digest(), decoded.spacing_mm)
