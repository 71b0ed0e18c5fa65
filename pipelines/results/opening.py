"""Opens sealed records with whichever private key is at hand: the only place that reads results in clear."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.results.outfolder import read_job
from pipelines.results.plannedshard import read_planned_shard
from pipelines.results.rows import identity_context, record_context
from pipelines.results.sealing import unseal
from sievert.errors import ErasedError, IntegrityError, KeyStoreError, SievertError, WrongKeyError
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.results.keystore import KeyStore, OpenedKeys
    from pipelines.results.outfolder import JobHeader, OutFolder
    from pipelines.results.shardfile import SealedRow


@dataclass(slots=True)
class Skipped:
    """What `open_records` left out, counted.

    Attributes:
        erased: Records whose patient was erased; they stay under the anchored root.
        unshared: Shards of which no data key was wrapped for the private key at hand.
    """

    erased: int = 0
    unshared: int = 0


@dataclass(frozen=True, slots=True)
class OpenedRow:
    """One opened row.

    Attributes:
        index: Its place in the plan.
        record: The record (docs/out-folder.md).
        identity: What its identity envelope holds.
    """

    index: int
    record: dict[str, Any] = field(repr=False)
    identity: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedShard:
    """What was opened of a shard, and which of its rows are of erased patients."""

    rows: list[OpenedRow]
    erased: frozenset[int]


def open_rows(
    out: OutFolder, keys: KeyStore, header: JobHeader, shard: int, *, wanted: Callable[[SealedRow], bool]
) -> OpenedShard:
    """Decrypt some rows of one committed shard; those of erased patients are left out, and named.

    Args:
        out: The out folder; the job need not be finished.
        keys: See `open_records`.
        header: The job's, as `check_openable` gives it.
        shard: Its number.
        wanted: Which rows, by what stands in clear.

    Raises:
        WrongKeyError: Nothing of the shard was wrapped for the private key at hand.
        KeyStoreError: The key store does not hold the shard's data keys.
        IntegrityError: The shard or a record is damaged.
    """
    content, job = read_planned_shard(out, header, shard), header.job  # a hash over the header: once, not each row
    opened = keys.data_keys(job, shard=shard, attempt=content.footer.attempt)
    rows = [row for row in content.rows if wanted(row) and row.index not in opened.erased]
    _log(keys, header, [row.record for row in rows])
    return OpenedShard([open_row_parts(job, row, opened) for row in rows], opened.erased)


def open_records(
    out: OutFolder, keys: KeyStore, *, outcome: Outcome = Outcome.SCREENED, skipped: Skipped | None = None
) -> Iterator[dict[str, Any]]:
    """Decrypt a job's records in the order of the plan, a shard in memory at a time.

    Args:
        out: The out folder; the job need not be finished.
        keys: The key store that it was sealed with, or a part that was exported for somebody.
        outcome: Which records.
        skipped: Told how many records there were that nobody, or somebody else, can open.

    Yields:
        The record (docs/out-folder.md) and with it what its identity envelope holds: `source`, and identifiers by
        DICOM keyword where the header had them.

    Raises:
        WrongKeyError: The key store is another site's, or nothing of the job was wrapped for the private key.
        KeyStoreError: It does not hold this job's data keys.
        IntegrityError: A record is damaged; the error names it.
    """
    skipped = Skipped() if skipped is None else skipped
    header, shards = check_openable(out, keys)
    job = header.job
    for shard in shards:
        content = read_planned_shard(out, header, shard)
        rows = [row for row in content.rows if row.outcome == outcome]
        try:
            opened = keys.data_keys(job, shard=shard, attempt=content.footer.attempt)
        except WrongKeyError:
            skipped.unshared += 1
            if skipped.unshared == len(shards):
                raise
            continue
        _log(keys, header, [row.record for row in rows if row.index in opened.keys])
        skipped.erased += sum(row.index in opened.erased for row in rows)
        yield from (_open_row(job, row, opened) for row in rows if row.index not in opened.erased)


def find_record(out: OutFolder, keys: KeyStore, record: str) -> dict[str, Any]:
    """Decrypt one record, screened or quarantined, by its id.

    Raises:
        ErasedError: Its patient was erased.
        KeyStoreError: See `open_records`.
        IntegrityError: The job has no such record, or it is damaged.
    """
    header, shards = check_openable(out, keys)
    for shard in shards:
        content = read_planned_shard(out, header, shard)
        for row in content.rows:
            if row.record == record:
                opened = keys.data_keys(header.job, shard=shard, attempt=content.footer.attempt)
                found = _open_row(header.job, row, opened)
                _log(keys, header, [record])
                return found
    raise IntegrityError("the job has no such record", remedy="List its records with `sievert open DIR`.")


def _log(keys: KeyStore, header: JobHeader, records: list[str]) -> None:
    """Before anything is handed out: what cannot be logged is not opened."""
    if records:
        keys.log("opened", job=header.job, key=keys.opens_as, records=records)


def check_openable(out: OutFolder, keys: KeyStore) -> tuple[JobHeader, list[int]]:
    """The job's header and its finished shards, once it is plain that the key store has to do with the job.

    Raises:
        OutFolderError: There is no job.
        WrongKeyError: The key store is another site's.
        IntegrityError: The folder is not as it was left.
    """
    header = read_job(out)
    if header.recipient != keys.fingerprint and not keys.holds_keys(header.job):
        raise WrongKeyError(f"the job is sealed for key {header.recipient}, this key store holds {keys.fingerprint}")
    there, planned = out.finished_shards(), set(range(header.shards.count))
    if out.files.exists() and there != planned:
        raise IntegrityError("shards of the job are missing, or do not belong to it")
    return header, sorted(there & planned)


def _open_row(job: str, row: SealedRow, opened: OpenedKeys) -> dict[str, Any]:
    found = open_row_parts(job, row, opened)
    return {**found.identity, "named_patient": found.identity.get("patient"), **found.record}


def open_row_parts(job: str, row: SealedRow, opened: OpenedKeys) -> OpenedRow:
    """One row in clear.

    Raises:
        ErasedError: Its patient was erased.
        KeyStoreError: There is no data key for it.
        IntegrityError: It is damaged.
    """
    if row.index in opened.erased:
        raise ErasedError("the record's patient was erased", record=row.record)
    if row.index not in opened.keys:
        raise KeyStoreError("the key store holds no data key for a record", record=row.record)
    try:
        key = opened.keys[row.index]
        record = json.loads(unseal(row.sealed, key=key, context=record_context(job, row.record)))
        identity = json.loads(unseal(row.identity, key=key, context=identity_context(job, row.record)))
    except SievertError as error:
        raise type(error)(error.message, record=row.record) from error
    if (record["index"], record["record"], record["outcome"]) != (row.index, row.record, row.outcome):
        raise IntegrityError("a record is not the one that its row says", record=row.record)
    return OpenedRow(row.index, record, identity)
