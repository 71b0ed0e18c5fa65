"""Reads a cohort from a table: CSV or Parquet with a column `source`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cohort.declared import Declared
from pipelines.places.names import MARK, is_archive, is_url, name_member
from sievert.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST_SUFFIXES = frozenset({".csv", ".parquet"})
COLUMNS = ("source", "patient", "modality", "body_part")
_BATCH_ROWS = 65_536


def read_manifest(file: Path) -> Iterator[Declared]:
    """The rows of a manifest, a batch in memory at a time.

    Relative sources are relative to the manifest's folder. Other columns are left alone.

    Raises:
        ManifestError: It is no such table, has no column `source`, or a row names no source.
    """
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - a linked manifest stays where it is linked
    for row, values in enumerate(_rows(file), 2):
        if not values.get("source"):
            raise ManifestError(f"row {row} of the manifest names no source")
        yield Declared(
            source=_placed(folder, values["source"]),
            patient=(values.get("patient") or "").strip() or None,
            modality=(values.get("modality") or "").strip().upper() or None,
            body_part=(values.get("body_part") or "").strip().upper() or None,
        )


def _placed(folder: Path, source: str) -> str:
    """A URL as it is; a path, or an archive's of a member, made absolute from the manifest's folder."""
    if is_url(source):
        return source
    archive, mark, member = source.partition(MARK)
    at = os.path.normpath(folder / archive)
    return name_member(at, member) if mark and archive and is_archive(archive) else os.path.normpath(folder / source)


def _rows(file: Path) -> Iterator[dict[str, str]]:
    import pyarrow as pa

    try:
        for batch in _batches(file):
            known = [name for name in COLUMNS if name in batch.schema.names]
            if "source" not in known:
                raise ManifestError("the manifest has no column `source`")
            text = [batch.column(name).cast(pa.string()).to_pylist() for name in known]
            yield from (dict(zip(known, values, strict=True)) for values in zip(*text, strict=True))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"the manifest cannot be read as a table ({type(error).__name__})") from error


def _batches(file: Path) -> Iterator[Any]:
    if file.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.ParquetFile(file).iter_batches(_BATCH_ROWS)
        return
    import pyarrow as pa
    from pyarrow import csv

    with csv.open_csv(file) as table:
        known = [name for name in COLUMNS if name in table.schema.names]
    if "source" not in known:
        raise ManifestError("the manifest has no column `source`")
    columns = csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string()), include_columns=known)
    yield from csv.open_csv(file, convert_options=columns)
