"""Reads labelled manifests: CSV or Parquet with the columns source and label, and whatever else is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.labelled.classes import MISSING
from pipelines.labelled.files import Row, Table
from pipelines.labelled.listing import split_of
from sievert.errors import InputMissingError, LabelError, ManifestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OWN = ("source", "label", "patient", "split")


def read_labelled_manifest(file: Path, *, needs_labels: bool = True) -> Table:
    """Read a table of labelled pictures.

    Args:
        file: Has the columns `source`, relative to the manifest's folder, and `label`, a word or a number; may have
            `patient` and `split` (train, val or validation, test). All others are kept, to look at subgroups:
            numbers as numbers, the rest as words.
        needs_labels: Whether a label must be there.

    Raises:
        InputMissingError: There is no such file.
        ManifestError: It is no such table, or a row names no source.
        LabelError: A label is missing, or `split` holds another word.
    """
    if not file.is_file():
        raise InputMissingError(f"there is no file {file.name!r}")
    table = _load(file)
    if len(set(table.column_names)) < table.num_columns:
        raise ManifestError("the manifest names a column twice")
    if missing := [name for name in _OWN[: 1 + needs_labels] if name not in table.column_names]:
        raise ManifestError(f"the manifest has no column `{missing[0]}`")
    own = {name: _words(table, name) for name in _OWN}
    _check(own, needs_labels=needs_labels)
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - a linked manifest stays where it is linked
    rows = [
        Row(Path(os.path.normpath(folder / source)), label or None, split_of(split), patient or None)
        for source, label, patient, split in zip(*own.values(), strict=True)
    ]
    others = [name for name in table.column_names if name not in _OWN]
    return Table(rows, {name: _values(table, name) for name in others})


def _load(file: Path) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if file.suffix.lower() == ".parquet":
            return parquet.ParquetFile(file).read()
        # an id or a label is a word, whatever it looks like: 007 is not 7
        words = csv.ConvertOptions(column_types=dict.fromkeys(_OWN, pa.string()))
        return csv.read_csv(file, convert_options=words)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"the manifest cannot be read as a table ({type(error).__name__})") from error


def _words(table: Any, name: str) -> list[str]:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa

    if name not in table.column_names:
        return [""] * table.num_rows
    try:
        values = table.column(name).cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        raise ManifestError(f"the manifest's column `{name}` holds neither words nor numbers") from error
    words = [(value or "").strip() for value in values]
    return [word if name == "source" or word.lower() not in MISSING else "" for word in words]


def _values(table: Any, name: str) -> NDArray[Any]:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa

    column = table.column(name)
    if pa.types.is_integer(column.type) and not column.null_count:
        return np.asarray(column.to_numpy())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    return np.array(["" if value is None else str(value) for value in column.to_pylist()], dtype=np.str_)


def _check(own: dict[str, list[str]], *, needs_labels: bool) -> None:
    rows = len(own["source"])
    if "" in own["source"]:
        raise ManifestError(f"row {own['source'].index('') + 2} of the manifest names no source")
    if needs_labels and (missing := own["label"].count("")):
        raise LabelError(f"{missing} of {rows} pictures have no label")
    if strange := sum(bool(word) and not split_of(word) for word in own["split"]):
        raise LabelError(f"{strange} of {rows} rows name another split than train, validation or test")
