"""A case as a page: opened, shown, reviewed; its picture and its badge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from serve.access.principal import Permission, Principal
from serve.access.requiring import require
from serve.page.acting import Review, review_case
from serve.page.desk import HEADERS, Desk
from serve.page.pictures import describe_grey, encode_grey, encode_preview
from serve.page.query import CaseQuery
from serve.page.rendering import render
from serve.page.standing import Deed
from serve.page.viewing import view_case
from sievert.errors import ReviewConflictError, SievertError

if TYPE_CHECKING:
    from serve.page.pictures import Picture

Reader = Annotated[Principal, Depends(require(Permission.READ))]
Reviewer = Annotated[Principal, Depends(require(Permission.REVIEW))]
_DONE = {
    Deed.ACKNOWLEDGE: "Acknowledged.",
    Deed.DISAGREE: "Your disagreement is kept.",
    Deed.ASSIGN: "The assignment is kept.",
    Deed.UNDO: "The last review was taken back.",
}


def case_router(desk: Desk) -> APIRouter:
    """`/cases/JOB/RECORD` and what belongs to it."""
    router = APIRouter(prefix="/cases/{job}/{record}", include_in_schema=False)

    @router.get("")
    def case(request: Request, job: str, record: str, query: Annotated[CaseQuery, Query()], who: Reader) -> Response:
        return _show(desk, request, (job, record), query, who)

    @router.get("/picture")
    def picture(job: str, record: str, who: Reader) -> Response:
        pixels = load_picture(desk, who, job, record)
        kept = {**HEADERS, **describe_grey(pixels)}
        return Response(encode_grey(pixels), media_type="application/octet-stream", headers=kept)

    @router.get("/preview.png")
    def preview(job: str, record: str, who: Reader) -> Response:
        return Response(encode_preview(load_picture(desk, who, job, record)), media_type="image/png", headers=HEADERS)

    @router.post("/reviews")
    def review(request: Request, job: str, record: str, said: Annotated[Review, Form()], who: Reviewer) -> Response:
        return _review(desk, request, (job, record), said, who)

    return router


def load_picture(desk: Desk, who: Principal, job: str, record: str) -> Picture:
    """The picture of a case, after the view was logged.

    Raises:
        HTTPException: 404: nobody has it any more, or it cannot be had now.
    """
    row = desk.case(job, record)
    desk.log(who, "viewed", job=row.job, record=row.record, part="picture")
    try:
        out, header = desk.book.job(job)
        found = None if row.reason else desk.pictures.load(out, header, desk.book.open(row))
    except SievertError as error:
        raise HTTPException(404, "the picture cannot be had now") from error
    if found is None:
        raise HTTPException(404, "the picture is no longer where it was read from")
    return found


def _show(
    desk: Desk, request: Request, place: tuple[str, str], query: CaseQuery, who: Principal, *, conflict: bool = False
) -> Response:
    row = desk.case(*place)
    desk.log(who, "viewed", job=row.job, record=row.record)
    before, behind = desk.book.neighbours(row, query, me=who.name)
    view = view_case(desk, row)
    done = request.query_params.get("done", "")
    shown = render(
        desk,
        request,
        "case.html.jinja",
        who=who,
        view=view,
        query=query,
        before=before,
        behind=behind,
        stack=desk.book.stack(row),
        conflict=view.history[-1] if conflict and view.history else None,
        done=_DONE[Deed(done)] if done in set(Deed) else "",
    )
    shown.status_code = 409 if conflict else 200
    return shown


def _review(desk: Desk, request: Request, place: tuple[str, str], said: Review, who: Principal) -> Response:
    row = desk.case(*place)
    query = CaseQuery.model_validate({name: value for name, value in request.query_params.items() if name != "done"})
    try:
        review_case(desk, row, said, who)
    except ReviewConflictError:
        return _show(desk, request, place, query, who, conflict=True)
    link = query.link(page=query.page)
    return RedirectResponse(f"/cases/{row.job}/{row.record}?{link}{'&' if link else ''}done={said.deed.value}", 303)
