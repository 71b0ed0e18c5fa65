"""What a leaf of the job's tree is made of: first all records in the order of the plan, then all files."""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelines.results.tree import leaf_hash

if TYPE_CHECKING:
    from pipelines.results.shardfile import SealedRow

RECORD_LEAF = b"sievert/leaf/1"
FILE_LEAF = b"sievert/file/1"


def record_leaf(*, job: str, index: int, sealed: bytes, identity: bytes, salt: bytes) -> bytes:
    """The leaf's hash of one record: version, job, index, ciphertext's hash, salt.

    The salt (32 random bytes) keeps even a ciphertext's hash from being recognised elsewhere.

    Args:
        job: The job's commitment, 64 hexadecimal digits.
        index: The leaf's place in the plan.
        sealed: The sealed record.
        identity: The sealed identity envelope.
        salt: 32 bytes.
    """
    return leaf_of(job=job, index=index, ciphertext=ciphertext_hash(sealed, identity), salt=salt)


def row_leaf(job: str, index: int, row: SealedRow) -> bytes:
    """The leaf's hash of a stored row, recomputed from its ciphertexts, at a place of the plan."""
    return record_leaf(job=job, index=index, sealed=row.sealed, identity=row.identity, salt=row.salt)


def leaf_of(*, job: str, index: int, ciphertext: bytes, salt: bytes) -> bytes:
    """The same from the ciphertext's hash alone, which is all that a proof carries of it."""
    return leaf_hash(_start(job) + index.to_bytes(8, "big") + ciphertext + salt)


@lru_cache(maxsize=8)
def _start(job: str) -> bytes:
    return RECORD_LEAF + bytes.fromhex(job)


def ciphertext_hash(sealed: bytes, identity: bytes) -> bytes:
    """SHA-256 over both blobs, each behind its length, so that no byte can move from one to the other."""
    return sha256(len(sealed).to_bytes(8, "big") + sealed + len(identity).to_bytes(8, "big") + identity).digest()


def file_leaf(*, name: str, digest: str) -> bytes:
    """The leaf's hash of one file of the out folder.

    Args:
        name: Relative, with forward slashes.
        digest: SHA-256 of its content, hexadecimal.
    """
    path = os.fsencode(name)
    return leaf_hash(FILE_LEAF + len(path).to_bytes(4, "big") + path + bytes.fromhex(digest))
