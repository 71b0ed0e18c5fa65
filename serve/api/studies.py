"""`POST /v1/studies`: a study comes in, its record goes out, as JSON, FHIR or DICOM."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from serve.access.problems import problem
from serve.api.accepting import DICOM, FHIR, JSON, choose
from serve.api.backend import Backend, choose_model, find_model
from serve.api.bodies import SINGLE, is_multipart, is_single, split_parts
from serve.api.documents import diagnostic_report, report_bundle, structured_reports
from serve.api.examples import RECORD_JSON, REPORT, STUDIES_JOB
from serve.api.problems import described

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pipelines.flows.online.screener import Answer

PATIENT_HEADER = "Sievert-Patient"
_OFFERED = (JSON, FHIR, DICOM)
_CODE = Query(max_length=16, pattern="^[A-Za-z0-9_ ]*$")
_BINARY = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"file": {**_BINARY, "minLength": 1}}, "required": ["file"]}
_BODIES: dict[str, Any] = {
    **{kind: {"schema": {**_BINARY, "minLength": 1}} for kind in sorted(SINGLE | {"multipart/related"})},
    "multipart/form-data": {"schema": _FORM},
}


class Asking(BaseModel):
    """What a request says of its study.

    Attributes:
        model: Which model; the first where left out.
        modality: DICOM code, for a file without a header.
        body_part: DICOM term, for a file without a header.
        patient: Patient id, for a file that names none; a header and not a part of the address, which is logged.
    """

    model_config = ConfigDict(frozen=True)

    model: str | None
    modality: str | None
    body_part: str | None
    patient: str | None = Field(default=None, repr=False)

    @property
    def shown(self) -> tuple[str, str] | None:
        """Modality and body part, where both are declared."""
        return (self.modality.upper(), self.body_part.upper()) if self.modality and self.body_part else None


async def _asking(  # async, or FastAPI would have a thread look at it
    model: Annotated[str | None, Query(max_length=200, description="Which model.")] = None,
    modality: Annotated[str | None, _CODE] = None,
    body_part: Annotated[str | None, _CODE] = None,
    patient: Annotated[str | None, Header(alias=PATIENT_HEADER, max_length=64)] = None,
) -> Asking:
    return Asking(model=model, modality=modality, body_part=body_part, patient=patient)


async def screen_all(backend: Backend, contents: Sequence[bytes], asking: Asking) -> list[Answer]:
    """Screen studies one after another: each is sealed before the next begins."""
    return [
        await backend.screen(
            choose_model(backend, asking.model, content), content, patient=asking.patient, shown=asking.shown
        )
        for content in contents
    ]


def read_contents(body: bytes, content_type: str) -> list[bytes] | None:
    """The files of a body; None where its media type is none of ours.

    Raises:
        DataError: A multipart body is damaged.
    """
    if is_multipart(content_type):
        return split_parts(body, content_type)
    return [body] if is_single(content_type) else None


async def _contents(body: bytes, content_type: str) -> list[bytes] | None:
    """In a thread where there may be many parts, which take their time."""
    if is_multipart(content_type):
        return await asyncio.to_thread(read_contents, body, content_type)
    return read_contents(body, content_type)


def answer(answers: Sequence[Answer], accept: str, *, several: bool) -> Response:
    """The answers in the document that is accepted."""
    if accept == FHIR:
        told = report_bundle(answers) if several else diagnostic_report(answers[0])
        return JSONResponse(told, media_type=FHIR)
    if accept == DICOM:
        return _dicom(structured_reports(answers))
    records = [one.record for one in answers]
    return JSONResponse({"records": records} if several else records[0], headers=_timing(answers))


def studies_router(
    backend: Backend,
    *,
    path: str = "/v1/studies",
    later: Callable[[list[bytes], Asking, Request], Awaitable[Response]] | None = None,
) -> APIRouter:
    """The route.

    Args:
        backend: Who screens.
        path: Where.
        later: Answers 202 where the client prefers not to wait (RFC 7240); left out, everybody waits.
    """
    router = APIRouter(tags=["studies"])

    @router.post(
        path,
        summary="Screen a study",
        response_model=dict[str, Any],
        responses={
            200: {"description": "The record; a list of them for several parts", "content": _documents()},
            202: _accepted(),
            **described(404, 406, 422),
        },
        openapi_extra={"requestBody": {"required": True, "content": _BODIES}},
    )
    async def submit(
        request: Request,
        asking: Annotated[Asking, Depends(_asking)],
        accept: Annotated[str | None, Header(include_in_schema=False)] = None,
        prefer: Annotated[str | None, Header(description="`respond-async`: answer 202 at once (RFC 7240).")] = None,
    ) -> Response:
        """DICOM, NIfTI, PNG or JPEG: one file, or parts of multipart/related (STOW-RS) or of a form.

        Every study is answered: screened, or quarantined with a reason. The record is sealed and stored before the
        answer is sent.
        """
        chosen = choose(accept, _OFFERED)
        if chosen is None:
            return problem(406, f"the answer can be {', '.join(_OFFERED)}")
        content_type = request.headers.get("content-type", "")
        body = await request.body()
        contents = await _contents(body, content_type)
        if contents is None:
            return problem(415, "the body's media type is none of those that are taken")
        if not body:
            return problem(400, "the body is empty")
        find_model(backend, asking.model)
        if later is not None and "respond-async" in (prefer or ""):
            return await later(contents, asking, request)
        return answer(await screen_all(backend, contents, asking), chosen, several=is_multipart(content_type))

    return router


def _dicom(files: list[bytes]) -> Response:
    if not files:
        return problem(406, "only screened DICOM instances have a structured report; ask for application/json")
    if len(files) == 1:
        return Response(files[0], media_type=DICOM)
    boundary = uuid4().hex
    parts = [f"--{boundary}\r\nContent-Type: {DICOM}\r\n\r\n".encode() + file + b"\r\n" for file in files]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return Response(body, media_type=f'multipart/related; type="{DICOM}"; boundary={boundary}')


def _timing(answers: Sequence[Answer]) -> dict[str, str]:
    """Where the time went (Server-Timing, W3C), in milliseconds."""
    stages: dict[str, float] = {}
    for one in answers:
        for stage in ("admission", "predict", "seal"):
            stages[stage] = stages.get(stage, 0.0) + one.stage_s.get(stage, 0.0)
    return {"Server-Timing": ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in stages.items())}


def _documents() -> dict[str, Any]:
    return {
        JSON: {"schema": {"type": "object"}, "example": RECORD_JSON},
        FHIR: {"schema": {"type": "object"}, "example": REPORT},
        DICOM: {"schema": _BINARY},
        "multipart/related": {"schema": _BINARY},
    }


def _accepted() -> dict[str, Any]:
    location = {"description": "Address of its progress.", "required": True, "schema": {"type": "string"}}
    content = {JSON: {"schema": {"type": "object"}, "example": {**STUDIES_JOB, "state": "queued", "records": []}}}
    return {"description": "Accepted", "headers": {"Location": location}, "content": content}
