"""Errors as answers: problem details for HTTP APIs (RFC 9457), without a word of what a file or token held."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from serve.access.problems import PROBLEM_TYPE, problem, problem_of
from sievert.errors import (
    AccessError,
    ClusterError,
    DataError,
    KeyStoreError,
    LedgerError,
    ModelError,
    ModelMissingError,
    NetworkInputError,
    OverloadedError,
    ServeError,
    SievertError,
    StorageError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse
    from starlette.requests import Request

RETRY_S = 1
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_DETAILS = {
    400: "the multipart body is damaged",
    401: "who asks has not signed in",
    403: "none of your roles allows it: `infer` is needed",
    404: "no model of that name is served",
    406: "the answer can be application/json, application/fhir+json, application/dicom",
    409: "somebody else reviewed the case meanwhile",
    413: "a body here has at most 268435456 bytes",
    415: "a body is sent as it is, not compressed",
    422: "the network reads tensors of [image, 1, 28, 28]",
    429: "too many requests wait already",
    503: "no replica can take the request now: send it again",
}
"""One example of each."""
_HEADERS: tuple[tuple[frozenset[int], str, dict[str, Any]], ...] = (
    (
        frozenset({401, 403}),
        "WWW-Authenticate",
        {"description": "What to sign in with (RFC 6750).", "required": True, "schema": {"type": "string"}},
    ),
    (
        frozenset({429, 503}),
        "Retry-After",
        {"description": "Seconds until it makes sense to ask again.", "required": True, "schema": {"type": "integer"}},
    ),
)


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["the network reads float32 images (1, 28, 28), not float32 (1, 2, 2)"])
    remedy: str | None = Field(default=None, description="What to do next.")


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for OpenAPI: which problems an operation can answer with (`DocumentedApp` holds their schema)."""
    return {status: _described(status) for status in statuses}


def _described(status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": phrase, "status": status, "detail": _DETAILS[status]}
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    headers = {name: told for statuses, name, told in _HEADERS if status in statuses}
    return {"description": phrase, "content": content, **({"headers": headers} if headers else {})}


def install_problems(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""
    app.add_exception_handler(SievertError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unforeseen)


def status_of(error: SievertError) -> int:
    """The status that tells an error of ours best."""
    kinds: tuple[tuple[type[SievertError], int], ...] = (
        (ModelMissingError, 404),
        (OverloadedError, 429),
        (NetworkInputError, 422),
        (ModelError, 422),
        (DataError, 400),
        # nothing is wrong with what was sent: the site has to mend its keys, disk, ledger or processes
        (StorageError, 503),
        (KeyStoreError, 503),
        (LedgerError, 503),
        (ClusterError, 503),
        (ServeError, 503),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


async def _on_ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SievertError)  # noqa: S101 - it is registered for that class
    if isinstance(error, AccessError):
        return problem_of(error, presented=True).response()
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_S)} if status in _LATER else None
    return problem(status, error.message, remedy=error.remedy, headers=headers)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    """Which field, and what is wrong with it; never its value."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, f"{where}: {str(first['msg']).lower()}")


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods_at(request))}
    told: object = error.detail  # Starlette says text; FastAPI lets it be any JSON
    if not isinstance(told, dict):
        return problem(error.status_code, str(told), headers=headers)
    further = {name: value for name, value in told.items() if name != "message"}
    return problem(error.status_code, str(told["message"]), headers=headers, further=further)


def _methods_at(request: Request) -> list[str]:
    """Starlette tells the first matching route's; a path may have several (RFC 9110, 10.2.1)."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.router.routes
        )
    ]


async def _on_unforeseen(_: Request, error: Exception) -> JSONResponse:
    """An error of no class of ours: its text may hold a path or a header, so only its kind is told."""
    return problem(500, f"something unforeseen went wrong ({type(error).__name__})")
