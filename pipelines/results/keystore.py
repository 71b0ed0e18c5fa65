"""The site's key store: an identity key, recipients, wrapping keys, and the wrapped data keys of every job.

::

    KEYS/identity.key                  32 bytes: pseudonyms and the sealed plan come from it; workers read it
    KEYS/recipient.pub                 the site's X25519 public key, PEM
    KEYS/recipient.key                 its private key, PEM, perhaps under a passphrase: opens results; not for workers
    KEYS/recipients/FINGERPRINT.json   whom data keys are wrapped for: the site, and whom it shares with
    KEYS/wrapping.json, wrapping/      which wrapping key is current; the keys themselves where they are local
    KEYS/jobs/JOB/00007-ATTEMPT.parquet   data keys of shard 7, wrapped, one a patient and recipient
    KEYS/erasures.json, jobs/JOB/noted.json   who was erased, and from which erasure on it holds for a job
    KEYS/audit.jsonl                   who did what when
    KEYS/notices/JOB.sqlite            who is told of what of a job
    KEYS/identities/PATIENT/NAME.sealed   who is behind a pseudonym, where `sievert deidentify` took that away

The folder has mode 0700, files 0600. It lies apart from the results: who has only those has nothing that opens.
An exported folder (`sievert keys export`) has `recipient.pub`, `jobs` and `export.json`, and is opened in the same way.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipelines.results.audit import AuditHead, AuditLog
from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.keys.erasures import Erasures
from pipelines.results.keys.keyfiles import decode_public, fingerprint_of, read_private, read_secret
from pipelines.results.keys.locks import sharing_state
from pipelines.results.keys.recipients import SITE, Recipient, Recipients, make_recipient
from pipelines.results.keys.tables import KeyRow, KeyTable, TablePlace, read_table, write_table
from pipelines.results.keys.wrapping import find_wrapping_key, read_state
from pipelines.results.sealing import unwrap_key, wrap_key
from sievert.errors import KeyStoreError, WrappingKeyError, WrongKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    from pipelines.results.keys.wrapping import WrappingKey

IDENTITY, PRIVATE, PUBLIC, EXPORTED = "identity.key", "recipient.key", "recipient.pub", "export.json"
IDENTITY_BYTES = 32


@dataclass(frozen=True, slots=True)
class DataKey:
    """One patient's data key (32 bytes) in one shard, as the worker that made it holds it, and the rows it seals."""

    patient: str
    key: bytes = field(repr=False)
    indices: list[int]


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """The data keys of a committed shard.

    Attributes:
        keys: By the index of each row that one seals.
        erased: Rows whose data key was erased.
    """

    keys: dict[int, bytes] = field(repr=False)
    erased: frozenset[int] = frozenset()


class KeyStore:
    """One folder of keys; `create_key_store` makes it.

    Args:
        folder: Of an existing key store, or of an exported part of one.
        passphrase: Asked for where the private key has one.
        private: A file with the private key, instead of the folder's own.
        actor: Whom entries of the audit log name, instead of the account.

    Raises:
        KeyStoreError: It is not there, is incomplete, or others may read it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        passphrase: Callable[[], bytes | None] = lambda: None,
        private: Path | None = None,
        actor: str | None = None,
    ) -> None:
        self.folder = folder
        self._passphrase = passphrase
        self._private = private or folder / PRIVATE
        self._actor = actor
        if not any((folder / name).is_file() for name in (IDENTITY, EXPORTED)):
            raise KeyStoreError("there is no key store at the place named")

    def __repr__(self) -> str:
        return f"KeyStore({self.fingerprint})"

    @property
    def is_exported(self) -> bool:
        """Whether this is a part that a site exported for one recipient."""
        return not (self.folder / IDENTITY).is_file()

    @cached_property
    def identity_key(self) -> bytes:
        """32 bytes for pseudonyms and plans."""
        key = read_secret(self.folder / IDENTITY)
        if len(key) != IDENTITY_BYTES:
            raise KeyStoreError("the identity key of the key store is damaged")
        return key

    @cached_property
    def public(self) -> X25519PublicKey:
        """The site's public key."""
        try:
            content = (self.folder / PUBLIC).read_bytes()
        except OSError as error:
            raise KeyStoreError("the public key of the key store is missing or damaged") from error
        return decode_public(content, "the public key of the key store")

    @cached_property
    def private(self) -> X25519PrivateKey:
        """What opens results. Nothing that runs on a worker touches it."""
        return read_private(self._private, self._passphrase)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that name the site's key."""
        return fingerprint_of(self.public)

    @property
    def opens_as(self) -> str:
        """Fingerprint of the private key at hand."""
        return fingerprint_of(self.private.public_key())

    def log(self, what: str, **about: Any) -> AuditHead:  # noqa: ANN401 - anything that JSON can hold
        """Write an entry into the audit log and return the log's new end; an exported part has no log.

        Raises:
            StorageError: And its kinds; what cannot be logged must not be done.
        """
        return AuditHead() if self.is_exported else AuditLog(self.folder, who=self._actor).append(what, **about)

    def hide_patient(self, patient: str) -> str:
        """What stands for a pseudonym in the audit log: a keyed hash, 16 digits."""
        return hmac.digest(self.identity_key, b"sievert/audit/1|" + patient.encode(), "sha256").hex()[:16]

    @property
    def recipients(self) -> Recipients:
        """Whom data keys are wrapped for, as files; see `everybody` for stores of before there were any."""
        return Recipients(self.folder)

    @property
    def erasures(self) -> Erasures:
        """Marks of who was erased."""
        return Erasures(self.folder, self.identity_key)

    def holds_keys(self, job: str) -> bool:
        """Whether data keys of a job are, or were, here."""
        return (self.folder / "jobs" / job).is_dir()

    def everybody(self) -> list[Recipient]:
        """All recipients, revoked ones too; the site alone where there are no files yet."""
        return self.recipients.all() or [make_recipient(SITE, SITE, self.public)]

    def note_job(self, job: str) -> None:
        """Note a job before its plan is frozen, so that erasures from now on hold for it.

        Raises:
            StorageError: And its kinds.
        """
        with sharing_state(self.folder):
            self.erasures.note_job(job)

    def save_keys(self, job: str, *, shard: int, attempt: str, keys: Sequence[DataKey]) -> None:
        """Wrap one attempt's data keys and commit them before the results that need them.

        Recipients, wrapping key and erasures are those of this moment; whoever was erased gets no key.

        Raises:
            StorageError: And its kinds.
            WrappingKeyError: The wrapping key cannot be had.
        """
        place = TablePlace(job, shard, attempt)
        with sharing_state(self.folder):
            self._commit(place, self.wrap(keys, place))

    def save_wrapped(self, place: TablePlace, rows: Sequence[KeyRow]) -> None:
        """Commit data keys that were wrapped earlier, as `wrap` gave them.

        Whoever was erased or revoked since gets none; raises as `save_keys` does.
        """
        with sharing_state(self.folder):
            current = {one.fingerprint for one in self.everybody() if not one.revoked}
            self._commit(place, [row for row in rows if row.recipient in current])

    def wrap(self, keys: Sequence[DataKey], place: TablePlace) -> list[KeyRow]:
        """Data keys for every recipient of this moment; to be committed by `save_wrapped`."""
        recipients = [(one.fingerprint, one.key) for one in self.everybody() if not one.revoked]
        return [
            KeyRow(one.patient, name, wrap_key(one.key, recipient=public, context=place.context), one.indices)
            for one in keys
            for name, public in recipients
        ]

    def _commit(self, place: TablePlace, rows: Sequence[KeyRow]) -> None:
        """Write a table without those who were erased. Whoever calls it shares the store's lock."""
        erasures = self.erasures
        marks = erasures.of_job(place.job)
        gone = {row.patient for row in rows if marks and erasures.mark(row.patient) in marks}
        erased = sorted({index for row in rows if row.patient in gone for index in row.indices})
        self._make_room(place)
        self.write(place, KeyTable([row for row in rows if row.patient not in gone], erased))

    def drop_keys(self, job: str, *, shard: int, attempt: str) -> None:
        """Remove the keys of an attempt that lost; nothing was sealed with them that stayed."""
        TablePlace(job, shard, attempt).file(self.folder).unlink(missing_ok=True)

    def read(self, place: TablePlace) -> KeyTable:
        """A table without its outer layer.

        Raises:
            KeyStoreError: And its kinds: it is missing or damaged, or its wrapping key cannot be had.
        """
        file = place.file(self.folder)
        try:
            return read_table(file, place, find=self._find, site=self.fingerprint)
        except WrappingKeyError:  # perhaps of a rotation that has replaced the table in this very moment
            return read_table(file, place, find=self._find, site=self.fingerprint)

    def write(self, place: TablePlace, table: KeyTable) -> None:
        """Replace a table, under the current wrapping key. Whoever calls it holds a lock of the store.

        Raises:
            StorageError: And its kinds.
            WrappingKeyError: The wrapping key cannot be had.
        """
        current = read_state(self.folder).current
        key = None if current is None else self._find(current)
        write_table(place.file(self.folder), place, table, wrapping=key)

    def data_keys(self, job: str, *, shard: int, attempt: str) -> OpenedKeys:
        """The data keys of a committed shard that the private key at hand opens.

        Raises:
            KeyStoreError: The table is missing or damaged.
            WrongKeyError: Nothing in it is for this private key.
        """
        place = TablePlace(job, shard, attempt)
        if not place.file(self.folder).is_file():
            if self.is_exported:
                raise WrongKeyError(f"shard {shard} of the job is not in the exported part of the key store")
            raise KeyStoreError(f"the key store holds no data keys for shard {shard} of this job")
        table, mine = self.read(place), self.opens_as
        rows = [row for row in table.rows if row.recipient == mine]
        if table.rows and not rows:
            raise WrongKeyError(f"shard {shard} of the job was not wrapped for key {mine}")
        keys: dict[int, bytes] = {}
        for row in rows:
            opened = unwrap_key(row.wrapped, private=self.private, context=place.context)
            keys |= dict.fromkeys(row.indices, opened)
        return OpenedKeys(keys, frozenset(table.erased))

    def _make_room(self, place: TablePlace) -> None:
        folder = place.file(self.folder).parent
        with disk_errors("the wrapped data keys could not be written"):
            folder.parent.mkdir(exist_ok=True, mode=0o700)  # `mode` holds for the last folder only
            folder.mkdir(exist_ok=True, mode=0o700)
            for made in (folder.parent, self.folder):
                sync_folder(made)

    def _find(self, name: str) -> WrappingKey:
        return find_wrapping_key(self.folder, name)
