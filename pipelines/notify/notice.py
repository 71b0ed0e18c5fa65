"""What a receiver is told of one record, and the id by which it drops what it was told before."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pipelines.results.ledger.anchor import Anchor

_ID_BYTES = 16


class Urgency(StrEnum):
    """How soon somebody must look; the codes of FHIR's request priority (hl7.org/fhir/request.html)."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


RANKS = {urgency: rank for rank, urgency in enumerate(Urgency)}
"""Their order: the higher, the sooner."""


class Stage(StrEnum):
    """Why a notice is sent.

    A receiver may get any of them more than once; notice id and stage together say what it has had.
    """

    STORED = "stored"
    ANCHORED = "anchored"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True)
class Notice:
    """One record as receivers are told of it.

    Attributes:
        id: 32 hexadecimal digits, the same for every attempt, run and stage.
        stage: Why it is sent.
        urgency: How soon somebody must look.
        record: The opened record (docs/out-folder.md), without its identity envelope.
        identity: The identity envelope: `source`, `patient` where a manifest named one, and by DICOM keyword
            PatientID, IssuerOfPatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID and AccessionNumber where
            the header had them. Only what is addressed to a system of record may carry it.
        issued: When the result was found stored: ISO 8601, UTC, with seconds.
        anchor: What the ledger says of the job; None while the job is not anchored.
    """

    id: str
    stage: Stage
    urgency: Urgency
    record: dict[str, Any] = field(repr=False)
    identity: dict[str, str] = field(repr=False)
    issued: str
    anchor: Anchor | None = None


class Channel(Protocol):
    """One way to a receiver."""

    name: str

    def deliver(self, notice: Notice) -> None:
        """Hand a notice over; it may be handed over again, and must then change nothing at the receiver.

        Raises:
            DeliveryError: It did not arrive, and another try makes sense.
            RefusedNoticeError: The receiver will never take it.
        """


def notice_id(job: str, record: str) -> str:
    """The id by which receivers drop repeats.

    Args:
        job: The job's commitment, 64 hexadecimal digits.
        record: The record's id.
    """
    return sha256(f"sievert/notice/1|{job}|{record}".encode()).digest()[:_ID_BYTES].hex()
