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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipelines.results.disk import disk_errors, sync_file, sync_folder
from pipelines.results.sealing import new_data_key
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.results.keys.wrapping import WrappingKey

TABLE_SCHEMA = "sievert.keys/2"
DRAFT_SUFFIX = ".draft"
_FOOTER = b"sievert"
_NONCE_BYTES = 12
_COLUMNS = pa.schema(
    [
        ("patient", pa.string()),
        ("recipient", pa.string()),
        ("wrapped", pa.binary()),
        ("indices", pa.list_(pa.int64())),
    ]
)


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
    """Every table of a key store, those of attempts that were killed too, in order."""
    files = (folder / "jobs").glob(f"{job or '*'}/*.parquet")
    return sorted(
        TablePlace(file.parent.name, int(shard), attempt)
        for file in files
        for shard, _, attempt in [file.stem.partition("-")]
    )


def read_table_footer(file: Path) -> TableFooter | None:
    """What a table says of itself; None of one that has a single recipient and no footer.

    Raises:
        KeyStoreError: It is missing or damaged.
    """
    try:
        told = (pq.read_schema(file).metadata or {}).get(_FOOTER)
        return None if told is None else _checked(TableFooter(**json.loads(told)))
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise _unreadable() from error


def read_patients(file: Path) -> set[str]:
    """The pseudonyms of a table; opens nothing.

    Raises:
        KeyStoreError: It is missing or damaged.
    """
    try:
        return set(pq.ParquetFile(file, memory_map=False).read(columns=["patient"])["patient"].to_pylist())
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
    footer = read_table_footer(file)
    try:
        rows = pq.ParquetFile(file, memory_map=False).read().to_pylist()
        if footer is None:
            return KeyTable([KeyRow(**row, recipient=site) for row in rows])
        wrapped = [KeyRow(**row) for row in rows]
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise _unreadable() from error
    if footer.wrapping is None:
        return KeyTable(wrapped, footer.erased)
    key = AESGCM(find(footer.wrapping).unwrap(base64.b64decode(footer.key or "")))
    return KeyTable([_opened(row, place, number, key) for number, row in enumerate(wrapped)], footer.erased)


def write_table(file: Path, place: TablePlace, table: KeyTable, *, wrapping: WrappingKey | None) -> None:
    """Write a table under a fresh key of its own; a crash leaves the old one or the new one, and perhaps a draft.

    Raises:
        StorageError: And its kinds.
        WrappingKeyError: The wrapping key cannot be had.
    """
    rows, footer = table.rows, TableFooter(sorted(table.erased))
    if wrapping is not None:
        key = new_data_key()
        footer = TableFooter(footer.erased, wrapping.id, base64.b64encode(wrapping.wrap(key)).decode())
        cipher = AESGCM(key)
        rows = [_covered(row, place, number, cipher) for number, row in enumerate(rows)]
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
        pq.write_table(table, sink)
    sync_file(draft)


def _covered(row: KeyRow, place: TablePlace, number: int, cipher: AESGCM) -> KeyRow:
    covered = cipher.encrypt(_nonce(number), row.wrapped, _row_context(row, place))
    return KeyRow(row.patient, row.recipient, covered, row.indices)


def _opened(row: KeyRow, place: TablePlace, number: int, cipher: AESGCM) -> KeyRow:
    try:
        wrapped = cipher.decrypt(_nonce(number), row.wrapped, _row_context(row, place))
    except InvalidTag as error:
        raise KeyStoreError("a table of data keys was changed: a row of it is not as it was written") from error
    return KeyRow(row.patient, row.recipient, wrapped, row.indices)


def _nonce(number: int) -> bytes:
    """The row's number: a table's key encrypts one table, once."""
    return number.to_bytes(_NONCE_BYTES, "big")


def _row_context(row: KeyRow, place: TablePlace) -> bytes:
    bound = [TABLE_SCHEMA, place.job, place.shard, place.attempt, row.patient, row.recipient, row.indices]
    return json.dumps(bound, separators=(",", ":")).encode()


def _checked(footer: TableFooter) -> TableFooter:
    told: tuple[tuple[Any, Any], ...] = ((footer.schema, str), (footer.erased, list))
    if footer.schema != TABLE_SCHEMA or not all(isinstance(value, kind) for value, kind in told):
        raise TypeError(footer.schema)
    return footer


def _unreadable() -> KeyStoreError:
    return KeyStoreError("a table of data keys of the key store is missing or damaged")
