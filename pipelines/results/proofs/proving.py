"""Makes the proof of one record from an out folder: no key, no ledger."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.results.inventory import ListedFile
from pipelines.results.leaves import ciphertext_hash
from pipelines.results.outfolder import read_job
from pipelines.results.paths import inclusion_path
from pipelines.results.proofs.proof import Proof, root_of_proof
from pipelines.results.roots import job_pieces
from pipelines.results.shardfile import read_shard
from sievert.errors import DataError, IntegrityError, ProofError, UnfinishedError

if TYPE_CHECKING:
    from pipelines.results.outfolder import JobHeader, OutFolder
    from pipelines.results.shardfile import SealedRow


def prove_record(out: OutFolder, record: str) -> Proof:
    """The proof of one record, screened or quarantined.

    Args:
        out: The out folder of an anchored job.
        record: Our id of the record.

    Raises:
        UnfinishedError: The job is not anchored yet.
        DataError: It has no such record.
        IntegrityError: The folder is not what was anchored.
    """
    header, anchor = read_job(out), _read_anchor(out)
    row = _find(out, header, record)
    files = _read_files(out)
    pieces = job_pieces(out, header, files, opened=row.index // header.shard_size)
    size = header.planned + len(files)
    proof = Proof(
        job=header.job,
        index=row.index,
        size=size,
        ciphertext=ciphertext_hash(row.sealed, row.identity).hex(),
        salt=row.salt.hex(),
        path=b64encode(b"".join(inclusion_path(pieces, index=row.index, size=size))).decode(),
        **anchor,
    )
    _hold(proof)
    return proof


def _hold(proof: Proof) -> None:
    try:
        root_of_proof(proof)
    except ProofError as error:
        message = "the out folder is not what was anchored, so nothing in it can be proven"
        raise IntegrityError(message, remedy="`sievert verify` says which file was changed.") from error


def _find(out: OutFolder, header: JobHeader, record: str) -> SealedRow:
    for shard in range(header.shards.count):
        if _holds(out, shard, record):
            return next(row for row in read_shard(out.shard(shard)).rows if row.record == record)
    raise DataError("the job has no such record", remedy="List its records with `sievert open DIR`.")


def _holds(out: OutFolder, shard: int, record: str) -> bool:
    """Reads one column: of 10⁸ records, 3 GB instead of all results."""
    try:
        ids = pq.read_table(out.shard(shard), columns=["record"])["record"]
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(f"results/{out.shard(shard).name} is missing or damaged") from error
    return bool(pc.any(pc.equal(ids, record)).as_py())


def _read_files(out: OutFolder) -> list[ListedFile]:
    try:
        listed = json.loads(out.files.read_bytes())["files"]
        return [ListedFile(str(each["name"]), each["bytes"], bytes.fromhex(each["sha256"]).hex()) for each in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{out.files.name} is missing or damaged") from error


def _read_anchor(out: OutFolder) -> dict[str, Any]:
    names = ("root", "ledger", "chain_id", "contract", "code_hash", "transaction", "block", "time")
    try:
        anchor = json.loads(out.anchor.read_bytes())
        return {name: anchor[name] for name in names}
    except FileNotFoundError as error:
        raise UnfinishedError("the job is not anchored yet, so there is nothing to prove against") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{out.anchor.name} is damaged") from error
