"""Reads a cohort from a table: CSV or Parquet with a column `source`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from pipelines.cohort.cohort import SCHEMA
from pipelines.places.names import MARK, is_archive, is_url, name_member
from sievert.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST_SUFFIXES = frozenset({".csv", ".parquet"})
COLUMNS = ("source", "patient", "modality", "body_part")
_BATCH_ROWS = 65_536
_ODD = "://|//|(^|/)\\.{1,2}(/|$)|/$"
"""What a plain join would not make the place of: URLs, members of archives, dots, doubled and trailing slashes."""


def read_manifest(file: Path) -> Iterator[pa.Table]:
    """The rows of a manifest in tables of `pipelines.cohort.cohort.SCHEMA`, one in memory at a time.

    Relative sources are relative to the manifest's folder. Other columns are left alone.

    Raises:
        ManifestError: It is no such table, has no column `source`, or a row names no source.
    """
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - a linked manifest stays where it is linked
    row = 2
    try:
        for batch in _batches(file):
            columns = {name: _text(batch, name) for name in COLUMNS}
            sources = _placed_all(folder, columns.pop("source"), row)
            row += len(sources)
            yield pa.table([sources.cast(pa.binary()), *columns.values()], schema=SCHEMA)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"the manifest cannot be read as a table ({type(error).__name__})") from error


def _text(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column without blanks around its values, empty ones as none; codes of modality and body part in capitals."""
    if name not in batch.schema.names:
        if name == "source":
            raise ManifestError("the manifest has no column `source`")
        return pa.nulls(len(batch), pa.string())
    text = batch.column(name).cast(pa.string())
    if name == "source":
        return text
    trimmed = pc.utf8_trim_whitespace(text)
    cased = trimmed if name == "patient" else pc.utf8_upper(trimmed)
    return pc.if_else(pc.equal(pc.binary_length(cased), 0), pa.scalar(None, pa.string()), cased)


def _placed_all(folder: Path, sources: pa.Array, row: int) -> pa.Array:
    """Plain absolute and plain relative paths are placed by the column; URLs, archives and odd paths one by one."""
    missing = pc.or_(pc.is_null(sources), pc.equal(pc.binary_length(sources.fill_null("")), 0))
    if pc.any(missing).as_py():
        raise ManifestError(f"row {row + pc.index(missing, True).as_py()} of the manifest names no source")
    absolute = pc.starts_with(sources, os.sep)
    placed = pc.if_else(absolute, sources, pc.binary_join_element_wise(str(folder), sources, os.sep))
    odd = pc.match_substring_regex(sources, _ODD)
    if not pc.any(odd).as_py():
        return placed
    one_by_one = [_placed(folder, source) for source in sources.filter(odd).to_pylist()]
    return pc.replace_with_mask(placed, odd, pa.array(one_by_one, pa.string()))


def _placed(folder: Path, source: str) -> str:
    """A URL as it is; a path, or an archive's of a member, made absolute from the manifest's folder."""
    if is_url(source):
        return source
    archive, mark, member = source.partition(MARK)
    at = os.path.normpath(folder / archive)
    return name_member(at, member) if mark and archive and is_archive(archive) else os.path.normpath(folder / source)


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    if file.suffix.lower() == ".parquet":
        there = pq.ParquetFile(file)
        yield from there.iter_batches(
            _BATCH_ROWS, columns=[name for name in COLUMNS if name in there.schema_arrow.names]
        )
        return
    with csv.open_csv(file) as table:
        known = [name for name in COLUMNS if name in table.schema.names]
    if "source" not in known:
        raise ManifestError("the manifest has no column `source`")
    columns = csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string()), include_columns=known)
    yield from csv.open_csv(file, convert_options=columns)
