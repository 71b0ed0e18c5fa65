"""Holds an out folder against its anchored root: every ciphertext, every file, the tree, the anchor.

No key is needed. The root over what lies there now is compared with what the ledger took, or with a copy of the root
that somebody kept; `files.json` and the leaves in the rows only help to say where a lie is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.results.anchoring import encode_anchor
from pipelines.results.inventory import ListedFile, add_files, encode_files, list_files
from pipelines.results.leaves import row_leaf
from pipelines.results.outfolder import OutFolder, read_job
from pipelines.results.shardfile import read_shard
from pipelines.results.tree import Frontier
from sievert.errors import (
    AnchorError,
    IntegrityError,
    LedgerError,
    NotAnchoredError,
    OutFolderError,
    UnfinishedError,
)
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.results.ledger import Anchor, Ledger
    from pipelines.results.outfolder import JobHeader

MOST_LIES = 10_000
"""A folder with more is not looked at any further."""
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
        job: The job's commitment, as its header gives it.
        root: Over what lies there now, hexadecimal.
        anchor: What the ledger says; None where it has nothing, or is not there and a kept root was given.
        verified: Screened records whose ciphertext and leaf are right.
        refused: Quarantined inputs of which the same is true.
        files: Number of files under the root.
        lies: In the order found; empty where all is well.
    """

    job: str = ""
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
        kept_root: A copy of the root, hexadecimal; where it is given it decides, and a ledger need not be there.

    Raises:
        OutFolderError: The folder holds nothing of ours.
        UnfinishedError: The job is not finished.
        NotAnchoredError: It is finished and whole, and not anchored yet.
        LedgerError: The ledger cannot be read, or there is none.
        AnchorError: Nothing on disk is wrong in itself, but the ledger holds no root, or another one.
    """
    header = _header(out)
    files = list_files(out, drafts=out.anchor.exists())
    found = Verification(files=len(files))
    if header is not None:
        found.anchor = _ask(ledger, header, may_be_absent=kept_root is not None)
    told = list(_against_list(out, files))
    if header is None or (found.anchor is None and any(lie.file == out.job.name for lie in told)):
        # what such a header says cannot drive anything; the list of files tells where the lie is
        found.lies += told or [Lie(out.job.name, "it cannot be read")]
        return found
    found.job = header.job
    frontier = _fold_records(out, header, found)
    found.root = add_files(frontier, files).hex()
    truth = kept_root.lower().removeprefix("0x") if kept_root is not None else _anchored_root(found, header.planned)
    if found.root == truth:
        # records and files are what was anchored: only what lies outside the root can still be wrong
        found.lies += [*_check_list(out, header, files, found.root), *_check_anchor(out, found)]
        return found
    found.lies[:0] = told
    if not found.lies and truth is None:
        raise _not_anchored(out, ledger)
    found.lies += [] if found.lies else [Lie(WHOLE_FOLDER, "its root is not the one anchored")]
    return found


def recompute_root(out: OutFolder) -> tuple[bytes, int]:
    """The root over what lies in a finished folder, and how many leaves it covers.

    Raises:
        OutFolderError: The folder holds no job.
        IntegrityError: Something there is not as `files.json` and the shards' own leaves say.
    """
    header, files = read_job(out), list_files(out, drafts=False)  # a killed run's are dropped when it is anchored
    found = Verification(files=len(files))
    root = add_files(_fold_records(out, header, found), files)
    found.lies += [*_against_list(out, files), *_check_list(out, header, files, root.hex())]
    if found.lies:
        raise IntegrityError(f"the results are not as they were finished: {found.lies[0]}")
    return root, header.planned + len(files)


def _ask(ledger: Ledger, header: JobHeader, *, may_be_absent: bool) -> Anchor | None:
    try:
        return ledger.find(bytes.fromhex(header.job))
    except LedgerError:
        if may_be_absent:
            return None
        raise


def _anchored_root(found: Verification, planned: int) -> str | None:
    """The root that there should be; none where the ledger has none over so many records and files."""
    anchor = found.anchor
    return anchor.root.hex() if anchor and anchor.count == planned + found.files else None


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
    for shard in range(header.shards.count):
        if len(found.lies) > MOST_LIES:
            break
        frontier.extend(_leaves(out, header, shard, found))
    return frontier


def _leaves(out: OutFolder, header: JobHeader, shard: int, found: Verification) -> Iterator[bytes]:
    """The leaves of one shard, recomputed from its ciphertexts."""
    name, expected = f"results/{out.shard(shard).name}", header.shards.indices(shard)
    try:
        rows = read_shard(out.shard(shard)).rows
    except IntegrityError:
        found.lies.append(Lie(name, "it cannot be read"))
        return
    if [row.index for row in rows] != list(expected):
        found.lies.append(Lie(name, "rows were added, removed or moved"))
    for index, row in zip(expected, rows, strict=False):
        leaf = row_leaf(header.job, index, row)
        if leaf != row.leaf:
            found.lies.append(Lie(name, "the ciphertext is not the one that was sealed", row.record))
        elif row.outcome == Outcome.SCREENED:
            found.verified += 1
        else:
            found.refused += 1
        yield leaf


def _not_anchored(out: OutFolder, ledger: Ledger) -> IntegrityError:
    if not out.anchor.exists():
        return NotAnchoredError("the results are whole, but not anchored yet")
    try:
        ledger.check()
    except LedgerError as error:
        return error
    return AnchorError("the ledger holds no root for this job")


def _check_anchor(out: OutFolder, found: Verification) -> Iterator[Lie]:
    """Held against the ledger byte for byte; against a kept root as far as that goes."""
    try:
        content = out.anchor.read_bytes()
    except OSError:
        yield Lie(out.anchor.name, "missing")
        return
    if found.anchor is not None and content != encode_anchor(found.anchor):
        yield Lie(out.anchor.name, "changed: it is not what the ledger says")
    elif found.anchor is None and _named_root(content) != found.root:
        yield Lie(out.anchor.name, "changed: it names another root than the one kept")


def _named_root(content: bytes) -> Any:  # noqa: ANN401 - whatever stands there
    try:
        return json.loads(content)["root"]
    except (ValueError, KeyError, TypeError):
        return None


def _check_list(out: OutFolder, header: JobHeader, files: list[ListedFile], root: str) -> Iterator[Lie]:
    """All else being right, files.json must be to the byte what we would write."""
    expected = encode_files(header.job, leaves=header.planned, root=bytes.fromhex(root), files=files)
    try:
        content = out.files.read_bytes()
    except OSError:
        yield Lie(out.files.name, "missing")
        return
    if content != expected:
        yield Lie(out.files.name, "changed: it is not what was written")
