"""Holds an out folder against its anchored root: every ciphertext, every file, the tree, the anchor.

No key is needed. The root over what lies there now is compared with what the ledger took, or with a copy of the root
that somebody kept; `files.json` and the leaves in the rows only help to say where a lie is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipelines.results.anchoring import encode_anchor
from pipelines.results.inventory import ListedFile, add_files, encode_files, list_files
from pipelines.results.leaves import record_leaf
from pipelines.results.outfolder import OutFolder, read_job
from pipelines.results.shardfile import read_shard
from pipelines.results.tree import Frontier
from sievert.errors import AnchorError, IntegrityError, LedgerError, OutFolderError, UnfinishedError
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.results.ledger import Anchor, Ledger
    from pipelines.results.outfolder import JobHeader

WHOLE_FOLDER = "(the whole folder)"


@dataclass(frozen=True, slots=True)
class Lie:
    """Something that is not what was anchored.

    Attributes:
        file: Name relative to the out folder.
        problem: What is wrong with it.
        record: Our id of the record, where one is concerned.
    """

    file: str
    problem: str
    record: str | None = None

    def __str__(self) -> str:
        return f"{self.file}{f', record {self.record}' if self.record else ''}: {self.problem}"


@dataclass(slots=True)
class Verification:
    """What was found.

    Attributes:
        root: Over what lies there now, hexadecimal.
        anchor: What the ledger says; None where a kept root was given instead.
        verified: Screened records whose ciphertext and leaf are right.
        refused: Quarantined inputs of which the same is true.
        files: Number of files under the root.
        lies: In the order found; empty where all is well.
    """

    root: str = ""
    anchor: Anchor | None = None
    verified: int = 0
    refused: int = 0
    files: int = 0
    lies: list[Lie] = field(default_factory=list)


def verify_job(out: OutFolder, ledger: Ledger, *, kept_root: str | None = None) -> Verification:
    """Verify a finished job.

    Args:
        out: Its folder.
        ledger: Where it should be anchored.
        kept_root: A copy of the root, hexadecimal; where it is given the ledger is not asked.

    Raises:
        OutFolderError: The folder holds nothing of ours.
        UnfinishedError: The job is not finished.
        LedgerError: The ledger cannot be read, or there is none.
        AnchorError: Nothing on disk is wrong in itself, but the ledger holds no root, or another one.
    """
    header = _header(out)
    found = Verification()
    files = list_files(out)
    found.files = len(files)
    found.lies += _against_list(out, files)
    if header is None:
        return found
    frontier = _fold_records(out, header, found)
    found.root = add_files(frontier, files).hex()
    _against_anchor(out, header, ledger, kept_root, found)
    found.lies += _check_list_itself(out, header, files, found)
    return found


def _header(out: OutFolder) -> JobHeader | None:
    """The job's header; None where it is damaged, which the list of files tells better."""
    if not out.path.is_dir() or not any(file.exists() for file in (out.job, out.files, out.anchor, out.manifest)):
        raise OutFolderError("the folder holds no job", remedy="Name the --out folder of a screening.")
    if out.job.exists() and not out.files.exists() and not out.anchor.exists():
        raise UnfinishedError("the job is not finished: nothing is anchored yet")
    try:
        return read_job(out)
    except (IntegrityError, OutFolderError):
        return None


def _against_list(out: OutFolder, files: list[ListedFile]) -> Iterator[Lie]:
    """Where the files differ from files.json."""
    listed = _read_list(out)
    if listed is None:
        yield Lie(out.files.name, "missing" if not out.files.exists() else "changed: it cannot be read")
        return
    there = {file.name: file.sha256 for file in files}
    for name in sorted({*there, *listed}):
        if name not in listed:
            yield Lie(name, "added: it is not under the root")
        elif name not in there:
            yield Lie(name, "missing")
        elif there[name] != listed[name]:
            yield Lie(name, "changed: its hash is not the one listed")


def _read_list(out: OutFolder) -> dict[str, str] | None:
    try:
        return {str(entry["name"]): str(entry["sha256"]) for entry in json.loads(out.files.read_bytes())["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fold_records(out: OutFolder, header: JobHeader, found: Verification) -> Frontier:
    frontier = Frontier()
    for shard in range(-(-header.planned // header.shard_size)):
        first = shard * header.shard_size
        expected = range(first, min(first + header.shard_size, header.planned))
        frontier.extend(_leaves(out, header, shard, expected, found))
    return frontier


def _leaves(out: OutFolder, header: JobHeader, shard: int, expected: range, found: Verification) -> Iterator[bytes]:
    """The leaves of one shard, recomputed from its ciphertexts."""
    name = f"results/{out.shard(shard).name}"
    try:
        rows = read_shard(out.shard(shard)).rows
    except IntegrityError:
        if not any(lie.file == name for lie in found.lies):
            found.lies.append(Lie(name, "it cannot be read"))
        return
    if [row.index for row in rows] != list(expected):
        found.lies.append(Lie(name, "rows were added, removed or moved"))
    for row in rows:
        leaf = record_leaf(job=header.job, index=row.index, sealed=row.sealed, identity=row.identity, salt=row.salt)
        if leaf != row.leaf:
            found.lies.append(Lie(name, "the ciphertext is not the one that was sealed", row.record))
        elif row.outcome == Outcome.SCREENED:
            found.verified += 1
        else:
            found.refused += 1
        yield leaf


def _against_anchor(
    out: OutFolder, header: JobHeader, ledger: Ledger, kept_root: str | None, found: Verification
) -> None:
    if kept_root is not None:
        _against_kept_root(out, kept_root, found)
        return
    found.anchor = ledger.find(bytes.fromhex(header.job))
    if found.lies:
        return  # what is wrong is known more exactly than that the root differs
    if found.anchor is None:
        raise _not_anchored(ledger)
    if found.anchor.root.hex() != found.root or found.anchor.count != header.planned:
        found.lies.append(Lie(WHOLE_FOLDER, "its root is not the one anchored"))
    found.lies += _check_anchor_file(out, encode_anchor(found.anchor))


def _not_anchored(ledger: Ledger) -> IntegrityError:
    try:
        ledger.check()
    except LedgerError as error:
        return error
    return AnchorError("the ledger holds no root for this job")


def _against_kept_root(out: OutFolder, kept_root: str, found: Verification) -> None:
    if not found.lies and found.root != kept_root.lower().removeprefix("0x"):
        found.lies.append(Lie(WHOLE_FOLDER, "its root is not the one that was kept"))
    found.lies += _check_anchor_file(out, None, root=found.root)


def _check_anchor_file(out: OutFolder, expected: bytes | None, *, root: str = "") -> Iterator[Lie]:
    """Held against the ledger byte for byte; against a kept root as far as that goes."""
    try:
        content = out.anchor.read_bytes()
    except OSError:
        yield Lie(out.anchor.name, "missing")
        return
    if content != expected if expected is not None else _named_root(content) != root:
        yield Lie(out.anchor.name, "changed: it is not what the ledger says")


def _named_root(content: bytes) -> Any:  # noqa: ANN401 - whatever stands there
    try:
        return json.loads(content)["root"]
    except (ValueError, KeyError, TypeError):
        return None


def _check_list_itself(
    out: OutFolder, header: JobHeader, files: list[ListedFile], found: Verification
) -> Iterator[Lie]:
    """All else being right, files.json must be to the byte what we would write."""
    if found.lies:
        return
    expected = encode_files(header.job, leaves=header.planned, root=bytes.fromhex(found.root), files=files)
    if sha256(expected).digest() != sha256(out.files.read_bytes()).digest():
        yield Lie(out.files.name, "changed: it is not what was written")
