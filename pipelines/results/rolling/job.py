"""A rolling job while it is open: seals each record on arrival."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pipelines.results.disk import disk_errors, sync_file, sync_folder
from pipelines.results.keys.tables import TablePlace
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
    from pipelines.results.shardfile import SealedRow
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
class Entry:
    """One record that is to be sealed.

    Attributes:
        record: Its id.
        patient: The pseudonym whose data key seals it.
        payload: The record; its job, leaf and time are filled in.
        identity: The identity envelope.
        refusal: Why it was quarantined, if it was.
        counts: Of this one record.
        picture: The de-identified picture, PNG, to be kept sealed beside.
    """

    record: str
    patient: str
    payload: dict[str, Any] = field(repr=False)
    identity: dict[str, str] = field(repr=False)
    refusal: Refusal | None
    counts: ShardCounts
    picture: bytes | None = field(default=None, repr=False)


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
        self.job, self.count = header.job, 0
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

    def add(self, entry: Entry) -> dict[str, Any]:
        """Seal a record at the next leaf; once this returns, it outlives this process.

        Returns:
            The record with its job and leaf.

        Raises:
            StorageError: And its kinds; the record is not in the job then.
        """
        with self._lock:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            payload = {**entry.payload, "job": self.job, "index": self.count, "time": now}
            sealer = RowSealer(self.job)
            row = sealer.seal_row(
                index=self.count,
                record=entry.record,
                patient=entry.patient,
                payload=payload,
                identity=entry.identity,
                refusal=entry.refusal,
            )
            if entry.picture is not None:
                self._keep(entry.record, entry.picture, sealer.keys[0].key)
            self._append(row, sealer, entry)
            self.count += 1
        return payload

    def _append(self, row: SealedRow, sealer: RowSealer, entry: Entry) -> None:
        place = TablePlace(self.job, row.index // self._header.shard_size, self._attempt)
        counts = seal_counts(entry.counts, identity_key=self._keys.identity_key, job=self.job)
        self._spool.append(Frame(row, self._keys.wrap(sealer.keys, place), counts))

    def release(self) -> None:
        """Take no further record; whoever closes jobs finds it."""
        self._spool.release()

    def _keep(self, record: str, picture: bytes, key: bytes) -> None:
        """Before its record: a torn picture has none, and goes when the job is closed."""
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
