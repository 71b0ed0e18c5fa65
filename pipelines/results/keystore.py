"""The site's key store: an identity key, a recipient's key pair, and the wrapped data keys of every job.

::

    KEYS/identity.key          32 bytes: pseudonyms and the sealed plan come from it; workers read it
    KEYS/recipient.pub         X25519 public key, PEM; workers wrap data keys for it
    KEYS/recipient.key         X25519 private key, PEM: opens results; workers never read it
    KEYS/jobs/JOB/00007-ATTEMPT.parquet   data keys of shard 7, wrapped, one a patient

The folder has mode 0700, files 0600. It lies apart from the results: who has only those has nothing that opens.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pipelines.results.disk import disk_errors, sync_file, sync_folder
from pipelines.results.sealing import unwrap_key
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IDENTITY, PRIVATE, PUBLIC = "identity.key", "recipient.key", "recipient.pub"
_IDENTITY_BYTES = 32
_OTHERS = 0o077
_TABLE = pa.schema([("patient", pa.string()), ("wrapped", pa.binary()), ("indices", pa.list_(pa.int64()))])


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One patient's data key in one shard.

    Attributes:
        patient: The pseudonym; here, apart from the results, and nowhere in their clear columns.
        wrapped: The data key, encrypted for the recipient.
        indices: The rows that it seals.
    """

    patient: str
    wrapped: bytes = field(repr=False)
    indices: list[int]


class KeyStore:
    """One folder of keys; `create_key_store` makes it.

    Args:
        folder: Of an existing key store.

    Raises:
        KeyStoreError: It is not there, is incomplete, or others may read it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / IDENTITY).is_file():
            raise KeyStoreError("there is no key store at the place named")

    def __repr__(self) -> str:
        return f"KeyStore({self.fingerprint})"

    @cached_property
    def identity_key(self) -> bytes:
        """32 bytes for pseudonyms and plans."""
        key = _read_private(self.folder / IDENTITY)
        if len(key) != _IDENTITY_BYTES:
            raise KeyStoreError("the identity key of the key store is damaged")
        return key

    @cached_property
    def public(self) -> X25519PublicKey:
        """What data keys are wrapped for."""
        try:
            key = load_pem_public_key((self.folder / PUBLIC).read_bytes())
        except (OSError, ValueError) as error:
            raise KeyStoreError("the public key of the key store is missing or damaged") from error
        if not isinstance(key, X25519PublicKey):
            raise KeyStoreError("the key store holds a public key of another kind than X25519")
        return key

    @cached_property
    def private(self) -> X25519PrivateKey:
        """What opens results. Nothing that runs on a worker touches it."""
        try:
            key = load_pem_private_key(_read_private(self.folder / PRIVATE), password=None)
        except ValueError as error:
            raise KeyStoreError("the private key of the key store is damaged") from error
        if not isinstance(key, X25519PrivateKey):
            raise KeyStoreError("the key store holds a private key of another kind than X25519")
        return key

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that name the recipient's key."""
        return hashlib.sha256(self.public.public_bytes_raw()).hexdigest()[:16]

    def save_wrapped(self, job: str, *, shard: int, attempt: str, wrapped: Sequence[WrappedKey]) -> None:
        """Commit one attempt's wrapped data keys before the results that need them.

        Raises:
            StorageError: And its kinds.
        """
        file = self._table(job, shard, attempt)
        with disk_errors("the wrapped data keys could not be written"):
            file.parent.parent.mkdir(exist_ok=True, mode=0o700)  # `mode` holds for the last folder only
            file.parent.mkdir(exist_ok=True, mode=0o700)
            draft = file.with_suffix(".draft")
            try:
                _write_table(draft, wrapped)
                draft.replace(file)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            for folder in (file.parent, file.parent.parent, self.folder):
                sync_folder(folder)

    def drop_wrapped(self, job: str, *, shard: int, attempt: str) -> None:
        """Remove the keys of an attempt that lost; nothing was sealed with them that stayed."""
        self._table(job, shard, attempt).unlink(missing_ok=True)

    def data_keys(self, job: str, *, shard: int, attempt: str) -> dict[int, bytes]:
        """The data keys of a committed shard, by the index of each row that one seals.

        Raises:
            KeyStoreError: The table is missing or damaged.
            WrongKeyError: It was wrapped for another key.
        """
        try:
            rows = pq.read_table(self._table(job, shard, attempt)).to_pylist()
        except (OSError, pa.ArrowException) as error:
            message = f"the key store holds no data keys for shard {shard} of this job"
            raise KeyStoreError(message) from error
        context = key_context(job, shard, attempt)
        keys: dict[int, bytes] = {}
        for row in rows:
            opened = unwrap_key(row["wrapped"], private=self.private, context=context)
            keys |= dict.fromkeys(row["indices"], opened)
        return keys

    def _table(self, job: str, shard: int, attempt: str) -> Path:
        return self.folder / "jobs" / job / f"{shard:05d}-{attempt}.parquet"


def key_context(job: str, shard: int, attempt: str) -> bytes:
    """What a wrapped data key is bound to."""
    return f"sievert/key/1|{job}|{shard}|{attempt}".encode()


def create_key_store(folder: Path) -> KeyStore:
    """Open the key store of a folder; make it where there is none.

    Two that make it at once end with one: it is made aside and moved into place whole.

    Raises:
        StorageError: And its kinds: the folder cannot be made.
        KeyStoreError: What is there is no key store.
    """
    if not (folder / IDENTITY).exists():
        with disk_errors("the key store could not be made"):
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_aside(folder)
    return KeyStore(folder)


def _make_aside(folder: Path) -> None:
    draft = folder.with_name(f".{folder.name}.{uuid4().hex}")
    draft.mkdir(mode=0o700)
    private = X25519PrivateKey.generate()
    _write_private(draft / IDENTITY, os.urandom(_IDENTITY_BYTES))
    _write_private(draft / PRIVATE, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write_private(draft / PUBLIC, private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    try:
        draft.rename(folder)  # onto an empty folder or none; fails where another was quicker
        sync_folder(folder)
        sync_folder(folder.parent)
    except OSError:
        for file in draft.iterdir():
            file.unlink()
        draft.rmdir()
        if not (folder / IDENTITY).exists():
            raise KeyStoreError("the folder named as key store holds something else") from None


def _write_table(file: Path, wrapped: Sequence[WrappedKey]) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
        pq.write_table(pa.Table.from_pylist([asdict(key) for key in wrapped], schema=_TABLE), sink)
    sync_file(file)


def _write_private(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())


def _read_private(file: Path) -> bytes:
    try:
        if stat.S_IMODE(file.stat().st_mode) & _OTHERS:
            raise KeyStoreError(
                f"others may read {file.name} of the key store", remedy=f"Take their rights away: chmod 600 {file.name}"
            )
        return file.read_bytes()
    except OSError as error:
        message = f"{file.name} of the key store cannot be read ({error.strerror})"
        raise KeyStoreError(message) from error
