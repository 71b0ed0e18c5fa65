"""A shard's file: Parquet, one row an input, created once and whole.

Clear columns hold nothing personal; what an image showed and whose it is are in the two sealed ones.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.results.disk import create_once, disk_errors
from pipelines.results.sealing import seal, unseal
from sievert.errors import IntegrityError
from sievert.records import ShardCounts, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SCHEMA_NAME = "sievert.shard/1"
_FOOTER = b"sievert"
SCHEMA = pa.schema(
    [
        pa.field("index", pa.int64(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("explanation", pa.string()),
        pa.field("salt", pa.binary(32), nullable=False),
        pa.field("leaf", pa.binary(32), nullable=False),
        pa.field("sealed", pa.binary(), nullable=False),
        pa.field("identity", pa.binary(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One row.

    Attributes:
        index: The leaf's place in the plan.
        record: Our id of the record.
        outcome: `screened` or `quarantined`.
        reason: The reason's code, None where screened.
        explanation: The reason in words, None where screened.
        salt: Of the leaf, 32 bytes.
        leaf: The leaf's hash, 32 bytes.
        sealed: The sealed record.
        identity: The sealed identity envelope.
    """

    index: int
    record: str
    outcome: str
    reason: str | None
    explanation: str | None
    salt: bytes = field(repr=False)
    leaf: bytes
    sealed: bytes = field(repr=False)
    identity: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShardFooter:
    """What the file says of itself.

    Attributes:
        job: The job's commitment.
        shard: Its number.
        attempt: Names the table of wrapped keys in the key store.
        recipient: Fingerprint of the site's key.
        counts: The shard's counts, sealed: on few images they tell of persons.
        schema: Version of the format.
    """

    job: str
    shard: int
    attempt: str
    recipient: str
    counts: str = field(repr=False)
    schema: str = SCHEMA_NAME


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A committed shard, read back."""

    footer: ShardFooter
    rows: list[SealedRow]


def write_shard(file: Path, rows: Sequence[SealedRow], footer: ShardFooter, *, draft: Path) -> bool:
    """Write a shard beside and give it its name if no other attempt has.

    Returns:
        Whether this attempt won.

    Raises:
        StorageError: And its kinds.
    """
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    table = pa.table(columns, schema=SCHEMA.with_metadata({_FOOTER: json.dumps(asdict(footer)).encode()}))
    with disk_errors("a shard's results could not be written"):
        try:
            pq.write_table(table, draft, compression="none", use_dictionary=False)  # ciphertext does not shrink
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    return create_once(draft, file)


def read_footer(file: Path) -> ShardFooter:
    """What a committed shard says of itself.

    Raises:
        IntegrityError: The file is missing or damaged.
    """
    try:
        return _footer(pq.read_schema(file).metadata)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(file) from error


def read_shard(file: Path) -> ShardFile:
    """Read a committed shard.

    Raises:
        IntegrityError: The file is missing or damaged.
    """
    try:
        table = pq.ParquetFile(file, memory_map=False).read()
        if not table.schema.equals(SCHEMA, check_metadata=False):
            raise _damaged(file)  # a byte of the footer can make a time of a salt
        rows = [SealedRow(**row) for row in table.to_pylist()]
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged(file) from error
    return ShardFile(_footer(table.schema.metadata), rows)


def seal_counts(counts: ShardCounts, *, identity_key: bytes, job: str) -> str:
    """The counts of a shard, sealed for whoever holds the site's identity key, as base64."""
    blob = seal(json.dumps(fields_of(counts)).encode(), key=_counts_key(identity_key), context=job.encode())
    return base64.b64encode(blob).decode()


def unseal_counts(footer: ShardFooter, *, identity_key: bytes) -> ShardCounts:
    """What `seal_counts` sealed.

    Raises:
        IntegrityError: Damaged.
        WrongKeyError: Another site's key.
    """
    blob = base64.b64decode(footer.counts)
    return ShardCounts(**json.loads(unseal(blob, key=_counts_key(identity_key), context=footer.job.encode())))


def _counts_key(identity_key: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"sievert/counts/1").derive(identity_key)


def _footer(metadata: dict[bytes, bytes] | None) -> ShardFooter:
    try:
        fields: dict[str, Any] = json.loads((metadata or {})[_FOOTER])
        return ShardFooter(**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError("a shard's file has no footer of ours") from error


def _damaged(file: Path) -> IntegrityError:
    return IntegrityError(f"{file.parent.name}/{file.name} is missing or damaged")
