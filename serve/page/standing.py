"""How a case stands after all that people said of it, and what they can say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Deed(StrEnum):
    """What somebody can do to a case."""

    ACKNOWLEDGE = "acknowledge"
    DISAGREE = "disagree"
    ASSIGN = "assign"
    UNDO = "undo"


class Disagreement(StrEnum):
    """Why somebody disagrees: a code for machines; `DISAGREEMENTS` says it in words."""

    MISSED = "missed-finding"
    NOTHING_THERE = "nothing-there"
    OTHER_FINDING = "other-finding"
    WRONG_PLACE = "wrong-place"
    POOR_IMAGE = "poor-image"
    WRONG_STUDY = "wrong-study"
    OTHER = "other"


DISAGREEMENTS = {
    Disagreement.MISSED: "A finding was missed",
    Disagreement.NOTHING_THERE: "There is no such finding",
    Disagreement.OTHER_FINDING: "There is another finding",
    Disagreement.WRONG_PLACE: "Right answer, but for the wrong place in the picture",
    Disagreement.POOR_IMAGE: "The picture is too poor to say anything",
    Disagreement.WRONG_STUDY: "Not the kind of study that this model is for",
    Disagreement.OTHER: "Another reason, in the note",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was said of a case; the history is a list of these and only grows.

    Attributes:
        job: The job's commitment.
        record: Our id.
        version: Its place in the case's history, from 1.
        at: UTC, ISO 8601.
        deed: What was done.
        who: By whom.
        reason: Code of a disagreement.
        text: A note.
        label: The label that somebody says is right.
        assignee: Whom the case was assigned to; empty: nobody any more.
        erased: Whether its patient was erased, and with them all but the fact that something was said.
    """

    job: str
    record: str
    version: int
    at: str
    deed: Deed
    who: str
    reason: str = ""
    text: str = ""
    label: str = ""
    assignee: str = ""
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands.

    Attributes:
        job: The job's commitment.
        record: Our id.
        version: Entries so far: who says something next must have seen them all.
        state: `open`, `acknowledged` or `disagreed`.
        assignee: Whom it is assigned to, or empty.
        said: The entry that gave it its state; None while it is open.
    """

    job: str
    record: str
    version: int = 0
    state: str = "open"
    assignee: str = ""
    said: Entry | None = None


_STATES = {Deed.ACKNOWLEDGE: "acknowledged", Deed.DISAGREE: "disagreed"}


def standing_of(job: str, record: str, entries: Iterable[Entry]) -> Standing:
    """Fold a history: an undo takes back the last thing that holds, so that two undos take back two."""
    version, holds = 0, list[Entry]()
    for entry in entries:
        version = entry.version
        if entry.deed is Deed.UNDO:
            holds = holds[:-1]
        else:
            holds.append(entry)
    said = next((one for one in reversed(holds) if one.deed in _STATES), None)
    assigned = next((one.assignee for one in reversed(holds) if one.deed is Deed.ASSIGN), "")
    return Standing(job, record, version, _STATES[said.deed] if said else "open", assigned, said)
