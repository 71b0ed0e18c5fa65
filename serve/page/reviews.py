"""What people said of cases: acknowledged, disagreed, assigned, undone. It only grows, and is kept sealed."""

from __future__ import annotations

import hmac
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.results.privatefile import transaction
from pipelines.results.sealing import seal, unseal
from serve.page.reviewfile import open_review_file, review_errors
from serve.page.standing import Deed, Entry, Standing, standing_of
from sievert.errors import ReviewConflictError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MARK_BYTES = 16
_ROW = "job, record, version, at, sealed"
_SEALED = ("deed", "who", "reason", "text", "label", "assignee")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a case, before it is kept; see `Entry`."""

    deed: Deed
    who: str
    reason: str = ""
    text: str = ""
    label: str = ""
    assignee: str = ""


class Reviews:
    """The reviews of a site; its methods may be called from several threads, and several processes may keep them.

    Args:
        folder: Of what the service keeps; made where it is not there.
        identity_key: The site's; the key that seals is derived from it.

    Every method raises StorageError and its kinds where the disk fails, IntegrityError where the file is damaged.
    """

    def __init__(self, folder: Path, *, identity_key: bytes) -> None:
        self._rows, self._turn = open_review_file(folder), threading.RLock()
        self._key = HKDF(SHA256(), 32, None, b"sievert/reviews/1").derive(identity_key)
        self._identity_key = identity_key

    def __repr__(self) -> str:
        return "Reviews()"

    def close(self) -> None:
        """Let go of the file."""
        with self._turn, review_errors():
            self._rows.close()

    def add(self, job: str, record: str, said: Said, *, patient: str, seen: int) -> Standing:
        """Keep what somebody says, if they have seen all that was said before.

        Args:
            job: The job's commitment.
            record: Our id.
            said: What is said.
            patient: The pseudonym.
            seen: The version of the standing that they looked at.

        Raises:
            ReviewConflictError: Something was said since.
        """
        with self._changing() as rows:
            known = self._entries("job = ? AND record = ?", (job, record))
            standing = standing_of(job, record, known)
            if standing.version != seen:
                raise ReviewConflictError("somebody else has reviewed this case meanwhile", record=record)
            entry = self._made(job, record, said, seen + 1)
            sealed = self._sealed(entry)
            rows.execute(
                f"INSERT INTO entry ({_ROW}, mark) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own names
                (job, record, entry.version, entry.at, sealed, self.mark(patient)),
            )
        return standing_of(job, record, [*known, entry])

    def history(self, job: str, record: str) -> list[Entry]:
        """All that was said of a case, the oldest first."""
        with self._turn:
            return self._entries("job = ? AND record = ?", (job, record))

    def standing(self, job: str, record: str) -> Standing:
        """How a case stands."""
        return standing_of(job, record, self.history(job, record))

    def since(self, number: int) -> tuple[int, list[Standing]]:
        """The number of the last entry, and how the cases stand of which anything was said behind a number."""
        with self._turn, review_errors():
            asked = "SELECT DISTINCT job, record FROM entry WHERE id > ?"
            touched = self._rows.execute(asked, (number,)).fetchall()
            last = self._rows.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()[0]
        return last, [self.standing(job, record) for job, record in touched]

    def labels(self) -> list[dict[str, str]]:
        """What clinicians say is right, one row a case whose last word has a label: to learn from.

        An acknowledged case has none of its own: what the model said holds.
        """
        _, standings = self.since(0)
        held = [one.said for one in standings if one.said is not None and one.said.label]
        return [
            {
                "job": said.job,
                "record": said.record,
                "label": said.label,
                "reason": said.reason,
                "note": said.text,
                "reviewer": said.who,
                "reviewed": said.at,
            }
            for said in held
        ]

    def forget(self, job: str, erased: Callable[[str], bool]) -> int:
        """Empty the entries of erased patients of a job; that something was said, and when, stays.

        Args:
            job: The job's commitment.
            erased: Told a mark, whether its patient was erased.

        Returns:
            How many entries were emptied.
        """
        with self._changing() as rows:
            asked = "SELECT DISTINCT mark FROM entry WHERE job = ? AND sealed IS NOT NULL"
            gone = [mark for (mark,) in rows.execute(asked, (job,)).fetchall() if erased(mark)]
            emptied = [
                rows.execute("UPDATE entry SET sealed = NULL WHERE job = ? AND mark = ?", (job, mark)).rowcount
                for mark in gone
            ]
        if gone:
            with self._turn, review_errors():
                self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log beside the file would hold them yet
        return sum(emptied)

    def jobs(self) -> list[str]:
        """Jobs of whose cases anything was said."""
        with self._turn, review_errors():
            return [job for (job,) in self._rows.execute("SELECT DISTINCT job FROM entry")]

    def mark(self, patient: str) -> str:
        """What stands for a pseudonym: the mark of `pipelines.results.keys.erasures`, so that erasures are found."""
        return hmac.digest(self._identity_key, b"sievert/erased/1|" + patient.encode(), "sha256")[:_MARK_BYTES].hex()

    def _made(self, job: str, record: str, said: Said, version: int) -> Entry:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return Entry(job, record, version, at, said.deed, said.who, said.reason, said.text, said.label, said.assignee)

    def _sealed(self, entry: Entry) -> bytes:
        content = json.dumps({name: getattr(entry, name) for name in _SEALED}).encode()
        return bytes(seal(content, key=self._key, context=_context(entry.job, entry.record, entry.version)))

    def _entries(self, where: str, asked: tuple[Any, ...]) -> list[Entry]:
        with review_errors():
            found = self._rows.execute(f"SELECT {_ROW} FROM entry WHERE {where} ORDER BY version", asked).fetchall()  # noqa: S608 - our own names
        return [self._opened(*row) for row in found]

    def _opened(self, job: str, record: str, version: int, at: str, sealed: bytes | None) -> Entry:
        if sealed is None:
            return Entry(job, record, version, at, Deed.UNDO, "", erased=True)
        told = json.loads(unseal(sealed, key=self._key, context=_context(job, record, version)))
        return Entry(job, record, version, at, **{**told, "deed": Deed(told["deed"])})

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, review_errors(), transaction(self._rows) as rows:
            yield rows


def _context(job: str, record: str, version: int) -> bytes:
    return f"sievert/review/1|{job}|{record}|{version}".encode()
