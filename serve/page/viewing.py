"""Everything that a case's page shows, gathered; a record that does not open is a page, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from serve.page.facts import all_facts, identity_facts, new_facts, provenance_facts
from serve.page.layers import find_layers
from sievert.errors import ErasedError, SievertError
from sievert.records import FAMILIES, Reason

if TYPE_CHECKING:
    from serve.page.case import CaseRow
    from serve.page.desk import Desk
    from serve.page.facts import Facts
    from serve.page.standing import Entry, Standing

_ADVICE = {
    "format": "Ask the sender for the file again, or for another format. Nothing was said of this picture.",
    "compliance": "The policy of this job refused it. Have the picture taken or sent anew, or read it by hand.",
    "scope": "The model is not made for this kind of picture: read it by hand, or send it to another model.",
    "features": "The network could make nothing of it: read it by hand.",
}


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case, opened.

    Attributes:
        row: As the list has it.
        record: In clear; empty where it does not open.
        problem: Why it does not open; empty where it does.
        labels: What the model can say.
        target: The one of them that the probability is of.
        position: View position of the picture, where the record has it.
        standing: What people said, folded.
        history: What people said, the oldest first.
        layers: What can be laid over the picture.
        reason: Of a quarantined input: its code's sentence, family and advice.
        identity: Who the patient is.
        provenance: With what it was made.
        scores: Numbers beside the probability.
        everything: All that the record holds besides.
    """

    row: CaseRow
    record: dict[str, Any]
    problem: str
    labels: list[str]
    target: str
    position: str
    standing: Standing
    history: list[Entry]
    layers: list[dict[str, Any]]
    reason: tuple[str, str, str]
    identity: Facts
    provenance: Facts
    scores: Facts
    everything: Facts


def view_case(desk: Desk, row: CaseRow) -> CaseView:
    """Open a case; what is damaged or erased is shown as that. Whoever calls it has logged the view."""
    _, header = desk.book.job(row.job)
    record, problem = _opened(desk, row)
    return CaseView(
        row=row,
        record=record,
        problem=problem,
        labels=list(header.decision["labels"]),
        target=str(header.decision["labels"][header.decision["positive"]]),
        position=_position(record),
        standing=desk.reviews.standing(row.job, row.record),
        history=desk.reviews.history(row.job, row.record),
        layers=find_layers(record),
        reason=_reason(row.reason),
        identity=identity_facts(record) if record else [],
        provenance=provenance_facts(record, planned=header.created) if record else [],
        scores=new_facts(record),
        everything=all_facts(record),
    )


def _opened(desk: Desk, row: CaseRow) -> tuple[dict[str, Any], str]:
    try:
        return desk.book.open(row), ""
    except ErasedError:
        return {}, "The patient was erased: nobody can open this record any more."
    except SievertError as error:
        return {}, f"This record cannot be opened: {error.message}."


def _position(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    return str(attributes.get("ViewPosition", "")) if isinstance(attributes, dict) else ""


def _reason(code: str) -> tuple[str, str, str]:
    if not code:
        return "", "", ""
    known = {one.value: one for one in Reason}
    if code not in known:
        return code, "", "Read it by hand."
    family = known[code].family
    return known[code].explanation, FAMILIES[family], _ADVICE.get(family, "")
