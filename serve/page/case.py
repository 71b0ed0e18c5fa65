"""A case as the worklist knows it: one row of its index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sievert.records import Decision, Outcome

if TYPE_CHECKING:
    from pipelines.results.opening import OpenedRow

URGENCIES = (Decision.POSITIVE.value, Decision.UNCERTAIN.value, Outcome.QUARANTINED.value, Decision.NEGATIVE.value)
"""What is looked at first stands first."""
NO_NUMBER = -1.0


@dataclass(frozen=True, slots=True)
class CaseRow:
    """What the list shows of a case.

    Attributes:
        job: The job's commitment.
        record: Our id.
        shard: Number of the shard that holds it.
        place: Its index in the plan.
        urgency: One of `URGENCIES`.
        priority: Sorts by urgency, then the more probable first.
        probability: Of the positive class, 0 to 1; `NO_NUMBER` where it was quarantined.
        confidence: Likewise.
        modality: DICOM code; empty where it was quarantined.
        body_part: DICOM term; likewise.
        model: Name and version.
        time: When it was answered, or its job planned: UTC, ISO 8601.
        reason: Code of a quarantined one's reason, else empty.
        patient: The pseudonym.
        state: `open`, `acknowledged` or `disagreed`.
        assignee: Whom it is assigned to, or empty.
    """

    job: str
    record: str
    shard: int
    place: int
    urgency: str
    priority: float
    probability: float
    confidence: float
    modality: str
    body_part: str
    model: str
    time: str
    reason: str
    patient: str
    state: str = "open"
    assignee: str = ""

    @property
    def has_numbers(self) -> bool:
        """Whether it was screened, and so has a probability."""
        return self.probability != NO_NUMBER


def row_of(opened: OpenedRow, *, job: str, planned: str, shard: int) -> CaseRow:
    """The row of an opened record; what a later version of records leaves out is empty.

    Args:
        opened: The record.
        job: The job's commitment.
        planned: When the job was planned: UTC, ISO 8601.
        shard: Number of the shard that holds it.
    """
    record = opened.record
    urgency = str(record.get("decision") or record["outcome"])
    probability = _number(record, "probability")
    return CaseRow(
        job=job,
        record=record["record"],
        shard=shard,
        place=opened.index,
        urgency=urgency,
        priority=_priority(urgency, probability),
        probability=probability,
        confidence=_number(record, "confidence"),
        modality=_text(record, "modality"),
        body_part=_text(record, "body_part"),
        model=_model(record),
        time=_text(record, "time") or planned,
        reason=_text(record, "reason"),
        patient=_text(record, "patient"),
    )


def _priority(urgency: str, probability: float) -> float:
    rank = URGENCIES.index(urgency) if urgency in URGENCIES else len(URGENCIES)
    return 2 * rank + 1 - probability


def _number(record: dict[str, Any], name: str) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else NO_NUMBER


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _model(record: dict[str, Any]) -> str:
    model = record.get("model")
    return f"{model.get('name', '')} {model.get('version', '')}".strip() if isinstance(model, dict) else ""
