"""The worklist for machines: the same cases, the same rights, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Query
from pydantic import BaseModel, Field

from serve.access.principal import Permission, Principal
from serve.access.requiring import require
from serve.api.examples import CASES, JOB, LABELS, OPENED, RECORD, REVIEW, STANDS, VERIFIED, hex_id, shown
from serve.api.problems import described
from serve.page.acting import Review, review_case
from serve.page.case import NO_NUMBER, CaseRow
from serve.page.query import CaseQuery  # noqa: TC001 - FastAPI reads it at run time
from serve.page.viewing import view_case
from sievert.errors import ReviewConflictError

if TYPE_CHECKING:
    from serve.page.desk import Desk

Reader = Annotated[Principal, Depends(require(Permission.READ))]
Reviewer = Annotated[Principal, Depends(require(Permission.REVIEW))]
JobId = Annotated[str, hex_id("The job's commitment.", JOB)]
RecordId = Annotated[str, hex_id("Our id of the record.", RECORD)]
Said = Annotated[Review, Body(examples=[REVIEW])]


class Summary(BaseModel):
    """A case as the list has it."""

    job: str = Field(description="The job's commitment.")
    record: str = Field(description="Our id of the record.")
    urgency: str = Field(description="positive, uncertain, quarantined or negative.")
    probability: float | None = Field(description="Of the positive class; null where it was quarantined.")
    confidence: float | None = Field(description="Of the more likely class; null where it was quarantined.")
    modality: str
    body_part: str
    model: str
    time: str
    reason: str = Field(description="Code of the reason of a quarantine, else empty.")
    patient: str = Field(description="The pseudonym.")
    state: str = Field(description="open, acknowledged or disagreed.")
    assignee: str


class CaseList(BaseModel):
    """A page of the list."""

    total: int = Field(description="Cases that the filters leave.")
    counts: dict[str, int] = Field(description="Cases by urgency, whatever urgency was asked for.")
    cases: list[Summary]
    warnings: list[str] = Field(description="What could not be taken into the list.")


class HistoryEntry(BaseModel):
    """One thing that was said of a case."""

    version: int
    at: str
    deed: str
    who: str
    reason: str
    text: str
    label: str
    assignee: str
    erased: bool


class OpenedCase(BaseModel):
    """A case in clear."""

    summary: Summary
    version: int = Field(description="Version of the standing, to be sent as `seen` with a review.")
    record: dict[str, Any] = Field(description="The record (docs/out-folder.md), with `identity`; empty if damaged.")
    problem: str = Field(description="Why the record does not open, else empty.")
    layers: list[dict[str, Any]] = Field(description="What can be laid over the picture.")
    history: list[HistoryEntry]


class Verified(BaseModel):
    """Whether a case is what the ledger holds."""

    state: str = Field(description="verified, tampered, unanchored or unknown.")
    sentence: str
    details: dict[str, str]


class Stands(BaseModel):
    """How a case stands after a review."""

    version: int
    state: str
    assignee: str


def json_router(desk: Desk) -> APIRouter:
    """`/v1/cases` and what belongs to it."""
    router = APIRouter(prefix="/v1/cases", tags=["worklist"])
    absent = described(404, 422)

    @router.get("", summary="List cases", responses={**shown(CASES), **described(422)})
    def cases(query: Annotated[CaseQuery, Query()], who: Reader) -> CaseList:
        page = desk.book.page(query, me=who.name)
        desk.log_list(who, page.rows)
        listed = [summary_of(row) for row in page.rows]
        return CaseList(total=page.total, counts=page.counts, cases=listed, warnings=desk.book.warnings())

    @router.get("/labels", summary="Export what clinicians say is right", responses=shown(LABELS))
    def labels(who: Reviewer) -> list[dict[str, str]]:
        desk.log(who, "exported labels")
        return desk.reviews.labels()

    @router.get("/{job}/{record}", summary="Open a case", responses={**shown(OPENED), **absent})
    def case(job: JobId, record: RecordId, who: Reader) -> OpenedCase:
        row = desk.case(job, record)
        desk.log(who, "viewed", job=job, record=record)
        return _opened(desk, row)

    @router.get(
        "/{job}/{record}/verification",
        summary="Hold a case against the ledger",
        responses={**shown(VERIFIED), **absent},
    )
    def verification(job: JobId, record: RecordId, who: Reader) -> Verified:  # noqa: ARG001 - asked for the right alone
        badge = desk.verifier.verify(desk.case(job, record))
        return Verified(state=badge.state, sentence=badge.sentence, details=badge.details)

    @router.post(
        "/{job}/{record}/reviews",
        summary="Review a case",
        responses={**shown(STANDS), **absent, **described(409)},
    )
    def review(job: JobId, record: RecordId, said: Said, who: Reviewer) -> Stands:
        try:
            now = review_case(desk, desk.case(job, record), said, who)
        except ReviewConflictError as error:
            raise HTTPException(409, _conflict(desk, job, record, error.message)) from error
        return Stands(version=now.version, state=now.state, assignee=now.assignee)

    return router


def summary_of(row: CaseRow) -> Summary:
    """A row for machines: a number that there is none of is null."""
    told = {name: None if value == NO_NUMBER else value for name, value in asdict(row).items()}
    return Summary.model_validate(told)


def _conflict(desk: Desk, job: str, record: str, message: str) -> dict[str, Any]:
    """What was said last; nothing, where somebody names a version that never was."""
    history = desk.reviews.history(job, record)
    if not history:
        return {"message": message, "version": 0}
    last = history[-1]
    return {"message": message, "version": last.version, "deed": last.deed, "who": last.who}


def _opened(desk: Desk, row: CaseRow) -> OpenedCase:
    view = view_case(desk, row)
    identity = {name: value for name, value in view.record.get("identity", {}).items() if name != "source"}
    return OpenedCase(
        summary=summary_of(row),
        version=view.standing.version,
        record={**view.record, "identity": identity} if view.record else {},
        problem=view.problem,
        layers=view.layers,
        history=[HistoryEntry(**{**asdict(one), "deed": one.deed.value}) for one in view.history],
    )
