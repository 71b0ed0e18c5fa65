"""Whether what lies in a job's folder is what the ledger holds: recomputed, not believed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.results.proofs.proving import prove_record
from pipelines.results.verifying import verify_job
from sievert.errors import AnchorError, IntegrityError, LedgerError, NotAnchoredError, SievertError, UnfinishedError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger import Anchor, Ledger
    from pipelines.results.outfolder import OutFolder
    from serve.page.case import CaseRow
    from serve.page.casebook import CaseBook

FRESH_S = 20.0
WHOLE_UP_TO = 20_000
"""A job of more inputs is not recomputed as a whole for one case: the record's own leaf and path are."""

_TAMPERED = "The stored results are not what was anchored. Do not rely on this case."


@dataclass(frozen=True, slots=True)
class Badge:
    """What was found of a case.

    Attributes:
        state: `verified`, `tampered`, `unanchored`, or `unknown` where the ledger cannot be asked.
        sentence: For the reader.
        details: Root, block, time, transaction, and how much was recomputed.
    """

    state: str
    sentence: str
    details: dict[str, str]


class Verifier:
    """Verifies cases; what was found holds for a short time, and only while the folder's files are as they were.

    Args:
        book: Knows where jobs lie.
        ledger: Where they should be anchored.
        fresh_s: How long at most.
    """

    def __init__(self, book: CaseBook, ledger: Ledger, *, fresh_s: float = FRESH_S) -> None:
        self._book, self._ledger, self._fresh_s = book, ledger, fresh_s
        self._turn = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, object, Badge]] = {}

    def verify(self, row: CaseRow) -> Badge:
        """Recompute the whole job of a case, or of a large one the case's own leaf and its path up to the root."""
        out, header = self._book.job(row.job)
        whole = header.planned <= WHOLE_UP_TO
        place = (row.job, "" if whole else row.record)
        with self._turn:
            state = _state(out)
            known = self._known.get(place)
            if known is None or time.monotonic() - known[0] > self._fresh_s or known[1] != state:
                found = _find(out, self._ledger, None if whole else row.record)
                self._known = {one: held for one, held in self._known.items() if one[0] != row.job or one[1]}
                self._known[place] = known = time.monotonic(), state, found
            return known[2]


def _find(out: OutFolder, ledger: Ledger, record: str | None) -> Badge:
    try:
        return _whole(out, ledger) if record is None else _one(out, ledger, record)
    except (NotAnchoredError, UnfinishedError):
        return Badge("unanchored", "Not anchored yet: the job is still growing, or its anchor is on its way.", {})
    except AnchorError:
        return Badge("tampered", "The ledger holds no root, or another one, for this job.", {})
    except LedgerError:
        return Badge("unknown", "The ledger cannot be asked now.", {})
    except IntegrityError:
        return Badge("tampered", _TAMPERED, {})
    except SievertError:
        return Badge("unknown", "It could not be verified now.", {})


def _whole(out: OutFolder, ledger: Ledger) -> Badge:
    found = verify_job(out, ledger)
    if found.lies:
        lie = found.lies[0]
        more = f" and {len(found.lies) - 1} more" if len(found.lies) > 1 else ""
        return Badge("tampered", f"{_TAMPERED} {lie.file}: {lie.problem}{more}.", {})
    checked = f"{found.verified + found.refused} records, {found.files} files"
    return Badge("verified", "Recomputed just now: equal to the root on the ledger.", _details(found.anchor, checked))


def _one(out: OutFolder, ledger: Ledger, record: str) -> Badge:
    proof = prove_record(out, record)
    anchor = ledger.find(bytes.fromhex(proof.job))
    if anchor is None or (anchor.root.hex(), anchor.count) != (proof.root, proof.size):
        raise AnchorError("the ledger holds no root, or another one, for this job")
    return Badge("verified", "Recomputed just now: equal to the root on the ledger.", _details(anchor, "this record"))


def _details(anchor: Anchor | None, checked: str) -> dict[str, str]:
    about = {"Recomputed": checked, "At": datetime.now(UTC).isoformat(timespec="seconds")}
    if anchor is None:
        return about
    return {
        **about,
        "Ledger": anchor.kind,
        "Root": anchor.root.hex(),
        "Block": str(anchor.block),
        "Anchored": datetime.fromtimestamp(anchor.time, UTC).isoformat(timespec="seconds"),
        "Transaction": anchor.transaction,
    }


def _state(out: OutFolder) -> object:
    """Size and times of every file, of which a change shows that what was found holds no longer."""
    files = [*out.results.glob("*"), *(file for file in out.path.glob("*") if file.is_file())]
    return sorted((file.name, *_stat(file)) for file in files)


def _stat(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size
