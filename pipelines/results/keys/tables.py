"""Tables of wrapped data keys: one Parquet file a shard's attempt, replaced whole or not at all.

`sievert.keys/2`: a row a patient and recipient. `wrapped` is the data key, encrypted for the recipient (HPKE), and that
encrypted under the table's own key (AES-256-GCM, the row's number as nonce, the row itself bound in). The table's key
is drawn whenever the table is written and stands in the footer under a wrapping key. A table without wrapping key
(exported ones, and stores that have none) holds the HPKE ciphertext as it is. `sievert.keys/1`, of before there were
several recipients, has no footer of ours: its rows are the site's.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.results.disk import disk_errors, sync_file, sync_folder
from pipelines.results.keys.cover import TableCover
from pipelines.results.sealing import new_data_key
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.results.keys.wrapping import WrappingKey

TABLE_SCHEMA = "sievert.keys/2"
DRAFT_SUFFIX = ".draft"
_FOOTER = b"sievert"
_COLUMNS = pa.schema(
    [
        ("patient", pa.string()),
        ("recipient", pa.string()),
        ("wrapped", pa.binary()),
        ("indices", pa.list_(pa.int64())),
    ]
)


_KINDS = {"patient": "string", "recipient": "string", "wrapped": "binary", "indices": "list"}
_ONE_RECIPIENT = ("patient", "wrapped", "indices")


@dataclass(frozen=True, slots=True, order=True)
class TablePlace:
    """Which table: its job's commitment, its shard, and the attempt that made its keys."""

    job: str
    shard: int
    attempt: str

    @property
    def context(self) -> bytes:
        """What a data key is bound to."""
        return f"sievert/key/1|{self.job}|{self.shard}|{self.attempt}".encode()

    def file(self, folder: Path) -> Path:
        """Its file in a key store."""
        return folder / "jobs" / self.job / f"{self.shard:05d}-{self.attempt}.parquet"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One patient's data key in one shard, for one recipient.

    Attributes:
        patient: The pseudonym; here, apart from the results, and nowhere in their clear columns.
        recipient: Fingerprint of the recipient's key.
        wrapped: The data key, encrypted for the recipient.
        indices: The rows of the shard that it seals.
    """

    patient: str
    recipient: str
    wrapped: bytes = field(repr=False)
    indices: list[int]


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The data keys of one attempt.

    Attributes:
        rows: One a patient and recipient.
        erased: Rows of the shard whose data key was erased, or never kept because the patient had been erased.
    """

    rows: list[KeyRow]
    erased: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TableFooter:
    """What a table says of itself.

    Attributes:
        erased: See `KeyTable`.
        wrapping: Id of the wrapping key, None where the rows are encrypted for their recipients only.
        key: The table's key, wrapped, base64.
        schema: Version of the format.
    """

    erased: list[int]
    wrapping: str | None = None
    key: str | None = field(default=None, repr=False)
    schema: str = TABLE_SCHEMA


def find_tables(folder: Path, job: str | None = None) -> list[TablePlace]:
    """Every table of a key store, those of attempts that were killed too, in order.

    Raises:
        KeyStoreError: A table has a name that is none of ours: passed over, it would keep keys that are to go.
    """
    return sorted(_place(file) for file in (folder / "jobs").glob(f"{job or '*'}/*.parquet"))


def read_table_footer(file: Path) -> TableFooter | None:
    """What a table says of itself; None of one that has a single recipient and no footer.

    Raises:
        KeyStoreError: It is missing or damaged.
    """
    try:
        return _footer(pq.read_schema(file))
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise _unreadable() from error


def read_patients(file: Path) -> set[str]:
    """The pseudonyms of a table; opens nothing.

    Raises:
        KeyStoreError: It is missing or damaged.
    """
    try:
        return {str(name) for name in _open(file).read(columns=["patient"])["patient"].to_pylist()}
    except (OSError, pa.ArrowException, KeyError) as error:
        raise _unreadable() from error


def read_table(file: Path, place: TablePlace, *, find: Callable[[str], WrappingKey], site: str) -> KeyTable:
    """Read a table and take its outer layer off.

    Args:
        file: Where it lies.
        place: Which one it is.
        find: Gives the wrapping key of an id.
        site: Fingerprint of the site's key, for tables of one recipient.

    Raises:
        KeyStoreError: It is missing, damaged or another place's.
        WrappingKeyError: The wrapping key cannot be had.
    """
    footer, rows = _read(file)
    if footer is None:
        return KeyTable([KeyRow(row["patient"], site, row["wrapped"], row["indices"]) for row in rows])
    table = KeyTable([KeyRow(**row) for row in rows], footer.erased)
    if footer.wrapping is None:
        return table
    try:
        wrapped = base64.b64decode(footer.key or "", validate=True)
    except ValueError as error:
        raise _unreadable() from error
    cover = _cover(find(footer.wrapping).unwrap(wrapped), place, footer.erased)
    return replace(
        table,
        rows=[
            replace(row, wrapped=cover.uncover(row.wrapped, number=number, row=_bound(row)))
            for number, row in enumerate(table.rows)
        ],
    )


def write_table(file: Path, place: TablePlace, table: KeyTable, *, wrapping: WrappingKey | None) -> None:
    """Write a table under a fresh key of its own; a crash leaves the old one or the new one, and perhaps a draft.

    Raises:
        StorageError: And its kinds.
        WrappingKeyError: The wrapping key cannot be had.
    """
    footer, rows = TableFooter(sorted(table.erased)), table.rows
    if wrapping is not None:
        key = new_data_key()
        footer = TableFooter(footer.erased, wrapping.id, base64.b64encode(wrapping.wrap(key)).decode())
        cover = _cover(key, place, footer.erased)
        rows = [
            replace(row, wrapped=cover.cover(row.wrapped, number=number, row=_bound(row)))
            for number, row in enumerate(rows)
        ]
    with disk_errors("the wrapped data keys could not be written"):
        draft = file.with_suffix(DRAFT_SUFFIX)
        try:
            _write(draft, rows, footer)
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(file.parent)


def _write(draft: Path, rows: list[KeyRow], footer: TableFooter) -> None:
    told = json.dumps({name: getattr(footer, name) for name in TableFooter.__slots__}).encode()
    content = {name: [getattr(row, name) for row in rows] for name in _COLUMNS.names}
    table = pa.table(content, schema=_COLUMNS.with_metadata({_FOOTER: told}))
    draft.unlink(missing_ok=True)  # of a command that was killed
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
        pq.write_table(table, sink, write_page_checksum=True)
    sync_file(draft)


def _place(file: Path) -> TablePlace:
    shard, _, attempt = file.stem.partition("-")
    if not shard.isdecimal() or not attempt.isalnum():
        raise KeyStoreError(
            "a table of the key store has a name that is none of ours",
            remedy="Take copies that somebody made out of the folder `jobs` of the key store.",
        )
    return TablePlace(file.parent.name, int(shard), attempt)


def _cover(key: bytes, place: TablePlace, erased: list[int]) -> TableCover:
    return TableCover(key, [TABLE_SCHEMA, place.job, place.shard, place.attempt, erased])


def _bound(row: KeyRow) -> list[Any]:
    return [row.patient, row.recipient, row.indices]


def _open(file: Path) -> pq.ParquetFile:
    return pq.ParquetFile(file, memory_map=False, page_checksum_verification=True)


def _read(file: Path) -> tuple[TableFooter | None, list[dict[str, Any]]]:
    """Footer and rows of one and the same file, which may be replaced meanwhile.

    Columns must have the types that they were written with: a damaged footer can make bytes of a text.
    """
    try:
        table = _open(file).read()
        footer = _footer(table.schema)
        kinds = {field.name: str(field.type).partition("<")[0] for field in table.schema}
        if kinds != {name: _KINDS[name] for name in (_ONE_RECIPIENT if footer is None else _COLUMNS.names)}:
            raise _unreadable()
        return footer, table.to_pylist()
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise _unreadable() from error


def _footer(schema: pa.Schema) -> TableFooter | None:
    told = (schema.metadata or {}).get(_FOOTER)
    if told is None:
        return None
    footer = TableFooter(**json.loads(told))
    numbers = isinstance(footer.erased, list) and all(type(index) is int for index in footer.erased)
    named = all(text is None or isinstance(text, str) for text in (footer.wrapping, footer.key))
    if footer.schema != TABLE_SCHEMA or not numbers or not named:
        raise TypeError(footer.schema)
    return footer


def _unreadable() -> KeyStoreError:
    return KeyStoreError("a table of data keys of the key store is missing or damaged")
