"""What a clinician can say of a case: checked, logged, then kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serve.page.reviews import Said
from serve.page.standing import Deed, Disagreement

if TYPE_CHECKING:
    from serve.access.principal import Principal
    from serve.page.case import CaseRow
    from serve.page.desk import Desk
    from serve.page.standing import Standing

_SEEN = (Deed.ACKNOWLEDGE, Deed.DISAGREE)


def _blank_is_none(value: object) -> object:
    return None if value == "" else value


class Review(BaseModel):
    """What is said of a case."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    deed: Deed = Field(description="What is done.")
    seen: int = Field(ge=0, le=1 << 31, description="Version of the standing that was looked at; another one: 409.")
    reason: Annotated[Disagreement | None, BeforeValidator(_blank_is_none)] = Field(
        default=None, description="Why somebody disagrees; a disagreement needs one."
    )
    label: str = Field(default="", max_length=200, description="The label that is right, one of the model's.")
    text: str = Field(default="", max_length=4000, description="A note.")
    assignee: str = Field(default="", max_length=200, description="Whom it is assigned to; empty: nobody.")


def review_case(desk: Desk, row: CaseRow, review: Review, who: Principal) -> Standing:
    """Keep what somebody says.

    Raises:
        HTTPException: 422: a disagreement without a reason, or with a label that the model does not have.
        ReviewConflictError: Somebody else said something meanwhile.
    """
    _, header = desk.book.job(row.job)
    if review.deed is Deed.DISAGREE and review.reason is None:
        raise HTTPException(422, "a disagreement needs a reason")
    if review.label and review.label not in header.decision["labels"]:
        raise HTTPException(422, "the model has no such label")
    desk.log(who, "reviewed", job=row.job, record=row.record, deed=review.deed.value, version=review.seen + 1)
    said = Said(
        review.deed,
        who.name,
        review.reason.value if review.reason and review.deed is Deed.DISAGREE else "",
        review.text.strip(),
        review.label if review.deed is Deed.DISAGREE else "",
        review.assignee.strip() if review.deed is Deed.ASSIGN else "",
    )
    standing = desk.reviews.add(row.job, row.record, said, patient=row.patient, seen=review.seen)
    if review.deed in _SEEN:
        desk.note_seen(row, who)
    desk.book.hear()
    return standing
