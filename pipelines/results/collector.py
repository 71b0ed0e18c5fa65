"""Collects a job's committed shards, folds their roots, and writes what belongs to the whole job.

Nothing is believed that a worker says: each shard is read back from its committed file. The order of the last steps
makes them safe to repeat: quarantine, manifest and report may be written anew until `files.json` stands; from then on
only the ledger is asked, which takes one root a job (`binding.py`, in the driver, which alone holds the signer's key).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipelines.results.disk import write_whole
from pipelines.results.inventory import add_files, encode_files, list_files
from pipelines.results.keystore import KeyStore
from pipelines.results.leaves import row_leaf
from pipelines.results.mirror import mirror_at
from pipelines.results.outfolder import OutFolder, canonical_json, finishing, read_job
from pipelines.results.quarantine import write_quarantine
from pipelines.results.report import render_report
from pipelines.results.roots import encode_roots
from pipelines.results.runmanifest import RunFacts, describe_run
from pipelines.results.shardfile import read_shard, unseal_counts
from pipelines.results.tree import Frontier, tree_root
from sievert.errors import IntegrityError
from sievert.records import ShardCounts

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.shardfile import ShardFile


@dataclass(frozen=True, slots=True)
class Collected:
    """A job that is stored and can be anchored.

    Attributes:
        manifest: The run manifest.
        root: Over records and files, 32 bytes.
        leaves: How many the root covers.
    """

    manifest: dict[str, Any]
    root: bytes
    leaves: int


class JobCollector:
    """Collects one job.

    Args:
        out: Absolute path of the out folder; its job is frozen.
        keys: Absolute path of the key store.
        actor: Whom the audit log names, instead of the account.
    """

    def __init__(self, out: Path, *, keys: Path, actor: str | None = None) -> None:
        self._out = OutFolder(out)
        self._header = read_job(self._out)
        self._keys, self._mirror = KeyStore(keys, actor=actor), mirror_at(out)
        self._roots: dict[int, list[bytes]] = {}
        self._counts = ShardCounts()
        self._records: dict[int, bytes] = {}
        self._spent_s = 0.0

    def add(self, shard: int) -> ShardCounts:
        """Read a committed shard back; adding it again changes nothing. Returns the counts so far.

        Raises:
            IntegrityError: It is damaged or belongs elsewhere.
        """
        if shard not in self._roots:
            start, first = time.perf_counter(), not self._roots
            if self._mirror and not self._mirror.fetch(
                self._out.shard(shard)
            ):  # what is here may be an attempt that lost
                raise IntegrityError(f"results/{self._out.shard(shard).name} is not in the bucket")
            content = read_shard(self._out.shard(shard))
            self._roots[shard] = self._fold(shard, content)
            self._records[shard] = _digest_ids(content)
            self._counts += unseal_counts(content.footer, identity_key=self._keys.identity_key)
            self._spent_s += 0.0 if first else time.perf_counter() - start  # the first one pays for what is done once
        return self._counts

    def finish(self, facts: RunFacts) -> Collected:
        """Write what belongs to the whole job, and leave a clean folder. Safe to repeat.

        Raises:
            IntegrityError: A shard is missing, or the folder was changed meanwhile.
            StorageError: And its kinds.
        """
        if len(self._roots) != self._header.shards.count:
            raise IntegrityError("the job cannot be finished: shards are missing")
        with finishing(self._out):
            return self._finish(facts)

    def _finish(self, facts: RunFacts) -> Collected:
        if not self._out.files.exists():
            self._write_whole_job(facts)
        root, leaves = self._check_files()
        self._out.drop_work()
        return Collected(json.loads(self._out.manifest.read_bytes()), root, leaves)

    def _write(self, file: Path, content: bytes) -> None:
        write_whole(file, content, drafts=self._out.work)

    def _write_whole_job(self, facts: RunFacts) -> None:
        write_quarantine(self._out, range(self._header.shards.count))
        self._write(self._out.roots, encode_roots(self._roots, self._header.shards))
        audit = self._keys.log("sealed", job=self._header.job, inputs=self._header.planned)
        facts = replace(facts, phase_s={**facts.phase_s, "collect": round(self._spent_s, 6)})
        manifest = describe_run(self._header, self._counts, facts, records=self._records, audit=audit)
        self._write(self._out.manifest, canonical_json(manifest))
        self._write(self._out.report, render_report(manifest).encode())
        files = list_files(self._out, drafts=False)
        root = add_files(self._frontier(), files)
        listed = encode_files(self._header.job, leaves=self._header.planned, root=root, files=files)
        self._write(self._out.files, listed)

    def _check_files(self) -> tuple[bytes, int]:
        """Root and leaves of what lies there now; they must be what files.json, perhaps of an earlier run, says."""
        files = list_files(self._out, drafts=False)
        root = add_files(self._frontier(), files)
        if (
            encode_files(self._header.job, leaves=self._header.planned, root=root, files=files)
            != self._out.files.read_bytes()
        ):
            raise IntegrityError("the out folder was changed between finishing and anchoring")
        return root, self._header.planned + len(files)

    def _fold(self, shard: int, content: ShardFile) -> list[bytes]:
        """The shard's root where it is whole, its leaves where it is the short last one."""
        expected = list(self._header.shards.indices(shard))
        footer = content.footer
        if (footer.job, footer.shard) != (self._header.job, shard) or [row.index for row in content.rows] != expected:
            raise IntegrityError(f"results/{self._out.shard(shard).name} belongs to another job or place")
        leaves = [row_leaf(footer.job, row.index, row) for row in content.rows]
        if leaves != [row.leaf for row in content.rows]:
            raise IntegrityError(
                f"results/{self._out.shard(shard).name} is damaged: a ciphertext is not what was sealed"
            )
        return [tree_root(leaves)] if len(leaves) == self._header.shard_size else leaves

    def _frontier(self) -> Frontier:
        frontier, shards = Frontier(), self._header.shards
        level = shards.size.bit_length() - 1
        for shard in range(shards.count):
            whole = shards.length(shard) == shards.size
            for folded in self._roots[shard]:
                frontier.append(folded, level=level if whole else 0)
        return frontier


def _digest_ids(content: ShardFile) -> bytes:
    return sha256("".join(row.record for row in content.rows).encode()).digest()
