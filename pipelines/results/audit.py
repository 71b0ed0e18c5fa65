"""The audit log: who did what to keys and results, and when. Append-only, each entry chained to the one before.

`KEYS/audit.jsonl`, one JSON object a line. An entry's `hash` is SHA-256 over the previous entry's hash (32 bytes, zeros
before the first) and the entry itself without `hash`, as JSON with sorted keys and no blanks. So an entry that is
changed, removed or moved breaks the chain behind it; a log that was cut short, or written anew as a whole, is found by
the heads that went into the run manifests of finished jobs and lie under their anchored roots. No entry holds a
patient's identifier or pseudonym: where a patient is concerned it holds a keyed hash, 16 digits.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipelines.results.disk import disk_errors, sync_folder, write_whole
from sievert.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUDIT_SCHEMA = "sievert.audit/1"
FILE = "audit.jsonl"
START = bytes(32).hex()
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of the log at some moment.

    Attributes:
        entries: Number of the last entry, which counts from 1; 0 of an empty log.
        head: Its hash, hexadecimal.
    """

    entries: int = 0
    head: str = START


class AuditLog:
    """The log of one key store.

    Args:
        folder: The key store's.
        who: Whom entries name; the account that runs the process where it is left out.
    """

    def __init__(self, folder: Path, *, who: str | None = None) -> None:
        self.file = folder / FILE
        self._who = who

    def append(self, what: str, **about: Any) -> AuditHead:  # noqa: ANN401 - anything that JSON can hold
        """Write an entry and have the disk hold it.

        Args:
            what: The deed: sealed, opened, erased, …
            about: What was concerned; nothing that names a patient.

        Raises:
            StorageError: And its kinds; what cannot be logged must not be done.
            AuditError: The log's end is damaged.
        """
        with self._held() as descriptor:
            head = _read_head(descriptor)
            entry, grown = self._chained(head, what, about)
            with disk_errors("the audit log could not be written"):
                _write_all(descriptor, _line(entry))
                os.fsync(descriptor)
        return grown

    def head(self) -> AuditHead:
        """The log's end.

        Raises:
            AuditError: It is damaged.
        """
        with self._held() as descriptor:
            return _read_head(descriptor)

    def lines(self) -> Iterator[bytes]:
        """The log's lines as they stand there; none where there is no log.

        Raises:
            StorageError: And its kinds.
        """
        with disk_errors("the audit log could not be read"), suppress(FileNotFoundError), self.file.open("rb") as lines:
            yield from lines

    def prune(self, before: datetime) -> int:
        """Drop entries from before a moment and leave a checkpoint of them; returns how many went.

        The last of them is what the checkpoint holds, and an entry at the end says that they were pruned.

        Raises:
            StorageError: And its kinds.
            AuditError: The log is damaged.
        """
        with self._held() as descriptor:
            last, gone, kept = self._split(before)
            if last is None:
                return 0
            checkpoint = {"checkpoint": last["n"], "hash": last["hash"], "schema": AUDIT_SCHEMA}
            entry, _ = self._chained(_read_head(descriptor), "pruned", {"through": last["n"], "head": last["hash"]})
            content = b"".join([_line(checkpoint), *kept, _line(entry)])
            write_whole(self.file, content, drafts=self.file.parent, mode=0o600)
        return gone

    def _split(self, before: datetime) -> tuple[dict[str, Any] | None, int, list[bytes]]:
        """The last entry from before a moment, how many there are, and the lines behind it."""
        last: dict[str, Any] | None = None
        gone, kept = 0, list[bytes]()
        for line in self.lines():
            entry = _parsed(line)
            if kept or ("n" in entry and datetime.fromisoformat(entry["time"]) >= before):
                kept.append(line)
            elif "n" in entry:
                last, gone = entry, gone + 1
        return last, gone, kept

    def _chained(self, head: AuditHead, what: str, about: dict[str, Any]) -> tuple[dict[str, Any], AuditHead]:
        entry: dict[str, Any] = {
            "n": head.entries + 1,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": self._who or local_account(),
            "what": what,
            "about": about,
            "schema": AUDIT_SCHEMA,
        }
        entry["hash"] = hash_entry(head.head, entry)
        return entry, AuditHead(entry["n"], entry["hash"])

    @contextmanager
    def _held(self) -> Iterator[int]:
        """The file, alone; one that a pruning replaced meanwhile is let go of and opened anew."""
        with disk_errors("the audit log could not be opened"):
            while True:
                fresh = not self.file.exists()
                descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(descriptor), self.file.stat()):
                    break
                os.close(descriptor)
            if fresh:
                sync_folder(self.file.parent)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def hash_entry(previous: str, entry: dict[str, Any]) -> str:
    """The hash of an entry behind the one that `previous` is the hash of; what `hash` the entry has is left out."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(bytes.fromhex(previous) + _encoded(content)).hexdigest()


def local_account() -> str:
    """The name of the account that runs this process, or its number where it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def _read_head(descriptor: int) -> AuditHead:
    """The last whole line; half a line that a crash left behind was never acknowledged, and is cut off."""
    end = os.fstat(descriptor).st_size
    tail = b""
    start = end
    while start > 0 and tail.rstrip(b"\n").count(b"\n") == 0:
        start = max(0, start - _CHUNK)
        tail = os.pread(descriptor, end - start, start)
    whole, newline, torn = tail.rpartition(b"\n")
    if torn:
        os.ftruncate(descriptor, end - len(torn))
        return _read_head(descriptor)
    if not newline:
        return AuditHead()
    last = _parsed(whole.rpartition(b"\n")[2])
    return AuditHead(int(last.get("n", last.get("checkpoint", 0))), last["hash"])


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        bytes.fromhex(entry["hash"])
        if type(entry.get("n", entry.get("checkpoint"))) is int:
            return dict(entry)
    except (ValueError, TypeError, KeyError) as error:
        raise AuditError("the audit log is damaged: a line of it is no entry") from error
    raise AuditError("the audit log is damaged: a line of it is no entry")


def _encoded(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _line(value: dict[str, Any]) -> bytes:
    return _encoded(value) + b"\n"


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
