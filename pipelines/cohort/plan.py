"""The frozen plan: which inputs, in which shard, at which leaf. It alone is the authority on resume."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.cohort.cohort import from_table, to_table
from pipelines.cohort.declared import Declared
from sievert.errors import IntegrityError, WrongKeyError
from sievert.records import PlannedInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.cohort.cohort import Cohort

SMALLEST_SHARD = 16
LARGEST_SHARD = 1024
SHARDS_A_JOB = 64
_SCHEMA = pa.schema([pa.field("first", pa.int64(), nullable=False), pa.field("inputs", pa.binary(), nullable=False)])
_SALT = b"sievert.plan.salt"


@dataclass(frozen=True, slots=True)
class Shards:
    """How a plan is cut: shard s holds the inputs from s·size up to, not including, (s + 1)·size."""

    planned: int
    size: int

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.planned // self.size)

    @property
    def whole(self) -> int:
        """Number of shards that are not short: all, or all but the last."""
        return self.planned // self.size

    def indices(self, shard: int) -> range:
        """The leaves of one shard."""
        return range(shard * self.size, min((shard + 1) * self.size, self.planned))

    def length(self, shard: int) -> int:
        """Inputs in one shard; only the last may be short."""
        return len(self.indices(shard))


def cut_shards(planned: int, *, size: int | None = None) -> Shards:
    """Choose the shard size: a power of two, so that each shard is a whole subtree of the job's Merkle tree.

    Args:
        planned: Number of inputs.
        size: The wanted size, rounded down to a power of two; else about 64 shards of 16 to 1,024.
    """
    wanted = size or min(max(planned // SHARDS_A_JOB, SMALLEST_SHARD), LARGEST_SHARD)
    return Shards(planned, 1 << (wanted.bit_length() - 1))


def write_plan(file: Path, inputs: Cohort, *, shards: Shards, key: bytes) -> str:
    """Write the plan, one row group a shard, each shard sealed whole: paths and patients are identifiers.

    Args:
        file: Where to; replaced.
        inputs: In the order of leaves.
        shards: The cut.
        key: The site's identity key; who holds it reads the plan.

    Returns:
        SHA-256 of the file, hexadecimal.
    """
    salt = os.urandom(32)
    cipher = AESGCM(_plan_key(key, salt))
    with pq.ParquetWriter(file, _SCHEMA.with_metadata({_SALT: salt.hex().encode()}), compression="none") as writer:
        for shard, table in enumerate(_in_shards(inputs.tables(), shards.size)):
            first = shard * shards.size
            sealed = cipher.encrypt(_nonce(first), _packed(table), None)
            writer.write_table(
                pa.table([pa.array([first], pa.int64()), pa.array([sealed], pa.binary())], schema=_SCHEMA)
            )
    with file.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def _in_shards(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of one size; the last may be short."""
    waiting: pa.Table | None = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        whole = len(waiting) // size
        yield from (waiting.slice(number * size, size) for number in range(whole))
        waiting = waiting.slice(whole * size)
    if waiting is not None and len(waiting):
        yield waiting


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _unpacked(packed: bytes) -> pa.Table:
    return pa.ipc.open_stream(packed).read_all()


class Plan:
    """Reads a frozen plan, one shard at a time.

    Raises:
        IntegrityError: The file is damaged.
        WrongKeyError: It was written with another site's key.
    """

    def __init__(self, file: Path, *, key: bytes) -> None:
        try:
            self._file = pq.ParquetFile(file)
            salt = bytes.fromhex(self._file.schema_arrow.metadata[_SALT].decode())
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise IntegrityError("the plan of the job is damaged") from error
        self._cipher = AESGCM(_plan_key(key, salt))

    def shard(self, number: int) -> list[PlannedInput]:
        """The inputs of one shard, in the order of leaves."""
        first, table = self._read(number)
        return [PlannedInput(first + place, *astuple(one)) for place, one in enumerate(from_table(table))]

    def sources(self) -> Iterator[str]:
        """Every planned source."""
        return (one.source for table in self.tables() for one in from_table(table))

    def tables(self) -> Iterator[pa.Table]:
        """Every planned input, shard by shard, in tables of `pipelines.cohort.cohort.SCHEMA`."""
        return (self._read(number)[1] for number in range(self._file.num_row_groups))

    def _read(self, number: int) -> tuple[int, pa.Table]:
        """A shard's first leaf and its inputs."""
        rows = self._file.read_row_group(number).to_pylist()
        if "input" in rows[0]:  # plans of before: a row and a seal for each input
            opened = (json.loads(self._open(row["index"], row["input"])) for row in rows)
            return rows[0]["index"], to_table(Declared(**one) for one in opened)
        return rows[0]["first"], _unpacked(self._open(rows[0]["first"], rows[0]["inputs"]))

    def _open(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(number), sealed, None)
        except InvalidTag as error:
            raise WrongKeyError("the plan was not written with this key store's identity key") from error


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


def _plan_key(key: bytes, salt: bytes) -> bytes:
    """RFC 5869."""
    return HKDF(SHA256(), 32, salt, b"sievert/plan/1").derive(key)
