"""Marks of erasure: whose data keys a job must not make again.

An unfinished job goes on with its frozen plan, and the plan may name a patient erased meanwhile. So erasures are
numbered, and a job notes before it is frozen how many there were: those that come later hold for it, earlier ones do
not, because a new study of the same patient is a new key. A job that noted nothing has all of them hold.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder, write_whole
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "erasures.json"
NOTE = "noted.json"
EVERY_JOB = "*"
_MARK_BYTES = 16


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure.

    Attributes:
        mark: Keyed hash of the pseudonym.
        job: The one job that it is of, or `*`: all that were noted before it.
    """

    mark: str
    job: str


class Erasures:
    """The erasures of a key store. Whoever calls `add` holds the store's state alone.

    Args:
        folder: The key store's.
        key: The site's identity key.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key

    def mark(self, patient: str) -> str:
        """The mark of a pseudonym, which tells nothing without the site's key."""
        return hmac.digest(self._key, b"sievert/erased/1|" + patient.encode(), "sha256")[:_MARK_BYTES].hex()

    def note_job(self, job: str) -> None:
        """Note before a job is frozen which erasures came before it. Only the first note counts.

        Raises:
            StorageError: And its kinds.
        """
        folder = self._folder / "jobs" / job
        with disk_errors("the job could not be noted in the key store"):
            folder.parent.mkdir(exist_ok=True, mode=0o700)  # `mode` holds for the last folder only
            folder.mkdir(exist_ok=True, mode=0o700)
            sync_folder(folder.parent)
        if not (folder / NOTE).exists():
            note = json.dumps({"erasures": len(self.all())}).encode()
            write_whole(folder / NOTE, note, drafts=self._folder, mode=0o600)

    def of_job(self, job: str) -> frozenset[str]:
        """The marks that hold for a job.

        Raises:
            KeyStoreError: The marks, or the job's note, are damaged.
        """
        there = self.all()
        if not there:
            return frozenset()
        return frozenset(one.mark for one in there[self._noted(job) :] if one.job in (EVERY_JOB, job))

    def knows(self, patient: str, job: str | None) -> bool:
        """Whether the patient was erased before: from one job, or from any."""
        there = {one.mark for one in self.all()} if job is None else self.of_job(job)
        return self.mark(patient) in there

    def add(self, patient: str, *, job: str | None) -> None:
        """Have an erasure hold from now on.

        Args:
            patient: The pseudonym.
            job: The one job concerned; None for all of the site.

        Raises:
            StorageError: And its kinds.
        """
        grown = [*self.all(), Erasure(self.mark(patient), job or EVERY_JOB)]
        content = json.dumps([asdict(one) for one in grown], indent=0).encode()
        write_whole(self._folder / FILE, content, drafts=self._folder, mode=0o600)

    def all(self) -> list[Erasure]:
        """Every erasure, in the order in which they were made.

        Raises:
            KeyStoreError: The marks are damaged.
        """
        file = self._folder / FILE
        try:
            return [Erasure(**one) for one in json.loads(file.read_bytes())] if file.exists() else []
        except (OSError, ValueError, TypeError) as error:
            raise KeyStoreError(f"{FILE} of the key store is damaged") from error

    def _noted(self, job: str) -> int:
        file = self._folder / "jobs" / job / NOTE
        try:
            return int(json.loads(file.read_bytes())["erasures"]) if file.exists() else 0
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise KeyStoreError("what the key store notes of the job is damaged") from error
