"""A rolling job while it is open: seals each record on arrival."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pipelines.results.disk import disk_errors, sync_file, sync_folder
from pipelines.results.keys.tables import KeyRow, TablePlace
from pipelines.results.outfolder import OutFolder, freeze_job
from pipelines.results.rolling.frames import Frame, SpoolHeader
from pipelines.results.rolling.spool import Spool, spool_file
from pipelines.results.rows import RowSealer
from pipelines.results.sealing import seal
from pipelines.results.shardfile import seal_counts

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.jobheader import RollingHeader
    from pipelines.results.keystore import KeyStore
    from sievert.records import Refusal, ShardCounts

SHARD_SIZE = 256
"""Records a shard."""


def picture_context(job: str, record: str) -> bytes:
    """What a sealed picture is bound to."""
    return f"sievert/picture/1|{job}|{record}".encode()


def picture_file(out: OutFolder, record: str) -> Path:
    """Where a record's sealed picture lies."""
    return out.pictures / f"{record}.sealed"


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom a record will be: all that is known before there is a verdict.

    Attributes:
        record: The record's id.
        patient: The pseudonym whose data key seals it.
        identity: The identity envelope.
        picture: The de-identified picture, PNG, to be kept sealed beside.
    """

    record: str
    patient: str
    identity: dict[str, str] = field(repr=False)
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One record that is to be sealed.

    Attributes:
        subject: Whose.
        payload: The record; its job, leaf and time are filled in.
        refusal: Why it was quarantined, if it was; its picture is not kept then.
        counts: Of this one record.
    """

    subject: Subject
    payload: dict[str, Any] = field(repr=False)
    refusal: Refusal | None
    counts: ShardCounts


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is ready of a record before its verdict.

    Attributes:
        sealer: Has its data key.
        envelope: The identity envelope, sealed.
        shard: That it will probably be in.
        wrapped: The data key, wrapped for that shard.
    """

    sealer: RowSealer = field(repr=False)
    envelope: bytes = field(repr=False)
    shard: int
    wrapped: list[KeyRow] = field(repr=False)


class RollingJob:
    """One open job of one process.

    Args:
        results: Folder of the out folders; this one's is made in it.
        header: What the job is; `planned` is 0, `shard_size` a power of two.
        keys: The key store; nothing that opens is taken from it.
        seeds: Of whatever was drawn at random.
        to_disk: See `Spool`.

    Attributes:
        job: Its commitment.
        count: Records so far.

    Raises:
        StorageError: And its kinds.
        KeyStoreError: The key store cannot be used.
    """

    def __init__(
        self, results: Path, header: RollingHeader, keys: KeyStore, *, seeds: dict[str, int], to_disk: bool
    ) -> None:
        self.job, self.count, self._on_the_way, self._is_released = header.job, 0, 0, False
        self._header, self._keys, self._opened = header, keys, time.monotonic()
        self._attempt, self._lock, self._to_disk = uuid4().hex, threading.Lock(), to_disk
        self.out = OutFolder(results / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{self.job[:12]}")
        keys.note_job(self.job)  # an erasure from now on must hold for it
        about = SpoolHeader(
            str(self.out.path.absolute()), self.job, header.shard_size, self._attempt, header.created, seeds
        )
        self._spool = Spool(spool_file(keys.folder, self.job), about, to_disk=to_disk)
        self._make_folder()

    def _make_folder(self) -> None:
        with disk_errors("the out folder of a rolling job could not be made"):
            for folder in (self.out.path, self.out.results, self.out.work, self.out.pictures):
                folder.mkdir(parents=True, exist_ok=True)
        freeze_job(self.out, self._header)

    @property
    def age_s(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self._opened

    def begin(self) -> None:
        """A record is on its way: until `end`, the job is not let go of."""
        with self._lock:
            self._on_the_way += 1

    def end(self) -> None:
        """It was added, or will not be."""
        with self._lock:
            self._on_the_way -= 1
            self._let_go_if_done()

    def prepare(self, subject: Subject) -> Prepared:
        """Do what needs no verdict, while the network is at work: keep the picture, make and wrap the data key.

        Raises:
            StorageError: And its kinds: the picture could not be kept.
        """
        sealer, shard = RowSealer(self.job), self.count // self._header.shard_size
        envelope = sealer.seal_identity(subject.identity, record=subject.record, patient=subject.patient)
        if subject.picture is not None:
            self._keep(subject.record, subject.picture, sealer.key_of(subject.patient).key)
        return Prepared(sealer, envelope, shard, self._keys.wrap(sealer.keys, self._place(shard)))

    def add(self, entry: Entry, prepared: Prepared | None = None) -> dict[str, Any]:
        """Seal a record at the next leaf; once this returns, it outlives this process.

        Args:
            entry: The record.
            prepared: What `prepare` made of its subject; left out, that is done now.

        Returns:
            The record with its job and leaf.

        Raises:
            StorageError: And its kinds; the record is not in the job then.
        """
        prepared = prepared or self.prepare(entry.subject)
        if entry.refusal and entry.subject.picture is not None:
            self._drop(entry.subject.record)
        with self._lock:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            payload = {**entry.payload, "job": self.job, "index": self.count, "time": now}
            self._append(prepared, replace(entry, payload=payload), index=self.count)
            self.count += 1
        return payload

    def _append(self, prepared: Prepared, entry: Entry, *, index: int) -> None:
        row = prepared.sealer.seal_row(
            index=index,
            record=entry.subject.record,
            patient=entry.subject.patient,
            payload=entry.payload,
            identity=prepared.envelope,
            refusal=entry.refusal,
        )
        shard, wrapped = index // self._header.shard_size, prepared.wrapped
        if shard != prepared.shard:  # others have filled it meanwhile
            wrapped = self._keys.wrap(prepared.sealer.keys, self._place(shard))
        counts = seal_counts(entry.counts, identity_key=self._keys.identity_key, job=self.job)
        self._spool.append(Frame(row, [replace(one, indices=[index]) for one in wrapped], counts))

    def _place(self, shard: int) -> TablePlace:
        return TablePlace(self.job, shard, self._attempt)

    def release(self) -> None:
        """Take no further record than those on their way; once they are added, whoever closes jobs finds it."""
        with self._lock:
            self._is_released = True
            self._let_go_if_done()

    def _let_go_if_done(self) -> None:
        if self._is_released and not self._on_the_way:
            self._spool.release()

    def _drop(self, record: str) -> None:
        file = picture_file(self.out, record)
        with disk_errors("a picture could not be removed"):
            file.unlink(missing_ok=True)
            if self._to_disk:
                sync_folder(file.parent)

    def _keep(self, record: str, picture: bytes, key: bytes) -> None:
        """Before its record: a picture that gets none goes when the job is closed."""
        sealed = seal(picture, key=key, context=picture_context(self.job, record))
        file = picture_file(self.out, record)
        with disk_errors("a picture could not be written"):
            file.write_bytes(sealed)
            if self._to_disk:
                sync_file(file)
                sync_folder(file.parent)


def refreshed(header: RollingHeader) -> RollingHeader:
    """The header of the next job of the same kind: another moment, and another commitment."""
    return replace(header, created=datetime.now(UTC).isoformat(timespec="microseconds"), inputs=uuid4().hex)
