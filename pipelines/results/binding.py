"""Binds a finished job to its root on the ledger; at the end of a screening, or later where the chain was away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.results.anchoring import encode_anchor
from pipelines.results.disk import write_whole
from pipelines.results.outfolder import OutFolder, finishing, read_job
from pipelines.results.verifying import recompute_root
from sievert.errors import LedgerError, UnfinishedError

if TYPE_CHECKING:
    from pipelines.results.keystore import KeyStore
    from pipelines.results.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Finished:
    """What a finished job is told to the user with.

    Attributes:
        manifest: The run manifest.
        root: The root over records and files, hexadecimal.
        anchor: The anchor's own facts, as in anchor.json; None where the results are stored but not anchored yet.
        problem: Why they are not.
    """

    manifest: dict[str, Any]
    root: str
    anchor: dict[str, Any] | None
    problem: LedgerError | None = None


def bind_job(out: OutFolder, ledger: Ledger, *, root: bytes, count: int, keys: KeyStore | None) -> dict[str, Any]:
    """Anchor the root, write `anchor.json`, and leave a clean folder. Safe to repeat.

    Args:
        out: The folder; its `files.json` stands.
        ledger: Where it is anchored.
        root: Over records and files, as they lie there.
        count: How many leaves it covers.
        keys: The key store whose log takes it down; None where the site's is elsewhere.

    Returns:
        What anchor.json says.

    Raises:
        AnchorError: The ledger holds another root for this job.
        LedgerError: The ledger refuses or is away; or the job is anchored on another one.
        StorageError: And its kinds.
    """
    job = bytes.fromhex(read_job(out).job)
    with finishing(out):
        try:
            if out.anchor.exists() and ledger.find(job) is None:
                raise LedgerError(
                    "the job is anchored already, on another ledger",
                    remedy="Name that ledger: its file with --ledger, or its chain in the settings ledger.*.",
                )
            content = encode_anchor(ledger.anchor(job, root=root, count=count))
            if keys and not out.anchor.exists():
                keys.log("anchored", job=job.hex(), root=root.hex())
            write_whole(out.anchor, content, drafts=out.work)
            out.drop_outbox()
        finally:
            out.drop_work()
    return dict(json.loads(content))


def bind_folder(out: OutFolder, ledger: Ledger, *, keys: KeyStore | None = None) -> Finished:
    """Anchor what was screened earlier, after holding every byte of it against `files.json`.

    Raises:
        UnfinishedError: The job is not finished.
        IntegrityError: The folder is not as it was finished.
        AnchorError: As for `bind_job`; so are the others.
    """
    read_job(out)
    if not out.files.exists():
        raise UnfinishedError("the job is not finished: there is nothing to anchor yet")
    root, count = recompute_root(out)
    anchor = bind_job(out, ledger, root=root, count=count, keys=keys)
    return Finished(json.loads(out.manifest.read_bytes()), root.hex(), anchor)
