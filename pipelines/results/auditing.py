"""Checks the audit log's chain, and holds it against heads that were anchored with jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.results.audit import START, AuditHead, AuditLog, hash_entry
from pipelines.results.keys.wrapping import WRAPPING_FILE
from pipelines.results.outfolder import OutFolder, read_job
from sievert.errors import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipelines.results.keystore import KeyStore


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """A head that a finished job's manifest holds, and which job."""

    job: str
    head: AuditHead


@dataclass(slots=True)
class AuditCheck:
    """What was found.

    Attributes:
        entries: All that could be read, in their order.
        faults: What is not as it was written, each with the number of the entry concerned.
        head: The log's end, as far as the chain holds.
        pruned: Number of the last entry that a pruning dropped; 0 where none was.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    head: AuditHead = field(default_factory=AuditHead)
    pruned: int = 0


def check_audit(lines: Iterable[bytes], anchored: Sequence[AnchoredHead] = ()) -> AuditCheck:
    """Check the chain entry by entry; after a fault it goes on with what stands there.

    Args:
        lines: Of the log.
        anchored: Heads of finished jobs; a log that ends before one was cut short.
    """
    check = AuditCheck()
    hashes: dict[int, str] = {}
    for place, line in enumerate(lines):
        _take(check, line, first=place == 0)
        hashes[check.head.entries] = check.head.head
    if check.pruned and not any(_tells_of_pruning(entry, hashes[check.pruned], check) for entry in check.entries):
        check.faults.append((check.pruned, f"entries 1 to {check.pruned} were removed, and no pruning says so"))
    for one in sorted(anchored, key=lambda known: known.head.entries):
        _hold_against(check, hashes, one)
    return check


def audit_key_store(store: KeyStore, anchored: Sequence[AnchoredHead] = ()) -> AuditCheck:
    """Check a key store's log. A store that has wrapping keys has had a log from the first day.

    Raises:
        StorageError: And its kinds: the log cannot be read.
    """
    check = check_audit(AuditLog(store.folder).lines(), anchored)
    if not check.head.entries and not store.is_exported and (store.folder / WRAPPING_FILE).exists():
        check.faults.insert(0, (1, "the log is missing, or empty"))
    return check


def read_anchored_head(folder: Path) -> AnchoredHead | None:
    """The head in a finished job's manifest; None where the job is of before there was a log.

    That the manifest is what was anchored, `verify_job` proves.

    Raises:
        OutFolderError: There is no job.
        UnfinishedError: The job is not finished.
    """
    out = OutFolder(folder)
    header = read_job(out)
    try:
        told = json.loads(out.manifest.read_bytes()).get("audit")
    except (OSError, ValueError) as error:
        raise UnfinishedError("the job has no manifest yet") from error
    return AnchoredHead(header.job, AuditHead(**told)) if told else None


def _take(check: AuditCheck, line: bytes, *, first: bool) -> None:
    expected = check.head.entries + 1
    try:
        entry = json.loads(line)
        number, said = entry.get("n", entry.get("checkpoint")), str(entry["hash"])
        readable = type(number) is int and len(bytes.fromhex(said)) == len(START) // 2
    except (ValueError, TypeError, KeyError, AttributeError):
        readable = False
    if not readable:
        cut = "" if line.endswith(b"\n") else ", it is cut off"
        check.faults.append((expected, f"entry {expected} cannot be read{cut}"))
        check.head = AuditHead(expected, START)
        return
    if first and "checkpoint" in entry:
        check.pruned, check.head = number, AuditHead(number, said)
        return
    check.entries.append(entry)
    if problem := _problem(check.head, entry, number, said):
        check.faults.append((max(min(number, expected), 1), problem))
    check.head = AuditHead(number, said)


def _problem(head: AuditHead, entry: dict[str, Any], number: int, said: str) -> str | None:
    expected = head.entries + 1
    if number > expected:
        which = f"entry {expected} is" if number == expected + 1 else f"entries {expected} to {number - 1} are"
        return f"{which} missing before entry {number}"
    if number < expected:
        return f"entry {number} stands behind entry {head.entries}: entries were moved or repeated"
    if hash_entry(head.head, entry) != said:
        return f"entry {number} was changed, or the one before it"
    return None


def _tells_of_pruning(entry: dict[str, Any], head: str, check: AuditCheck) -> bool:
    about = entry.get("about")
    return entry.get("what") == "pruned" and about == {"through": check.pruned, "head": head}


def _hold_against(check: AuditCheck, hashes: dict[int, str], one: AnchoredHead) -> None:
    number, job = one.head.entries, one.job[:12]
    if number < check.pruned:
        return
    if number not in hashes:
        check.faults.append(
            (
                check.head.entries + 1,
                f"the log ends at entry {check.head.entries}; job {job} was anchored with {number}",
            )
        )
    elif hashes[number] != one.head.head:
        check.faults.append((number, f"entry {number} is not the one that was anchored with job {job}"))
