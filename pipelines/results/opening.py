"""Opens sealed records with the key store: the only place that touches the private key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipelines.results.outfolder import read_job
from pipelines.results.rows import identity_context, record_context
from pipelines.results.sealing import unseal
from pipelines.results.shardfile import read_shard
from sievert.errors import IntegrityError, KeyStoreError, SievertError, WrongKeyError
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import JobHeader, OutFolder
    from pipelines.results.shardfile import SealedRow


def open_records(out: OutFolder, keys: KeyStore, *, outcome: Outcome = Outcome.SCREENED) -> Iterator[dict[str, Any]]:
    """Decrypt a job's records in the order of the plan, a shard in memory at a time.

    Args:
        out: The out folder; the job need not be finished.
        keys: The key store that it was sealed for.
        outcome: Which records.

    Yields:
        The record (docs/out-folder.md) and with it what its identity envelope holds: `source`, and identifiers by
        DICOM keyword where the header had them.

    Raises:
        WrongKeyError: The key store is another site's.
        KeyStoreError: It does not hold this job's data keys.
        IntegrityError: A record is damaged; the error names it.
    """
    header = read_job(out)
    if header.recipient != keys.fingerprint:
        raise WrongKeyError(f"the job is sealed for key {header.recipient}, this key store holds {keys.fingerprint}")
    there = out.finished_shards()
    shards = range(header.shards.count)
    if out.files.exists() and there != set(shards):
        raise IntegrityError("shards of the job are missing, or do not belong to it")
    for shard in sorted(there & set(shards)):
        yield from _open_shard(out, header, keys, shard, outcome)


def find_record(out: OutFolder, keys: KeyStore, record: str) -> dict[str, Any]:
    """Decrypt one record, screened or quarantined, by its id.

    Raises:
        KeyStoreError: See `open_records`.
        IntegrityError: The job has no such record, or it is damaged.
    """
    for outcome in Outcome:
        for opened in open_records(out, keys, outcome=outcome):
            if opened["record"] == record:
                return opened
    raise IntegrityError("the job has no such record", remedy="List its records with `sievert open DIR`.")


def _open_shard(
    out: OutFolder, header: JobHeader, keys: KeyStore, shard: int, outcome: Outcome
) -> Iterator[dict[str, Any]]:
    content = read_shard(out.shard(shard))
    if [row.index for row in content.rows] != list(header.shards.indices(shard)):
        raise IntegrityError(f"rows of results/{out.shard(shard).name} were added, removed or moved")
    data_keys = keys.data_keys(header.job, shard=shard, attempt=content.footer.attempt)
    for row in content.rows:
        if row.outcome == outcome:
            yield _open_row(header.job, row, data_keys)


def _open_row(job: str, row: SealedRow, data_keys: dict[int, bytes]) -> dict[str, Any]:
    if row.index not in data_keys:
        raise KeyStoreError("the key store holds no data key for a record", record=row.record)
    try:
        key = data_keys[row.index]
        record = json.loads(unseal(row.sealed, key=key, context=record_context(job, row.record)))
        identity = json.loads(unseal(row.identity, key=key, context=identity_context(job, row.record)))
    except SievertError as error:
        raise type(error)(error.message, record=row.record) from error
    if (record["index"], record["record"], record["outcome"]) != (row.index, row.record, row.outcome):
        raise IntegrityError("a record is not the one that its row says", record=row.record)
    return {**identity, "named_patient": identity.get("patient"), **record}
