"""Errors as answers: problem details for HTTP APIs (RFC 9457), without a word of what a file or token held."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from serve.access.problems import problem_of
from sievert.errors import (
    AccessError,
    DataError,
    ModelError,
    ModelMissingError,
    NetworkInputError,
    SievertError,
    StorageError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"
RETRY_S = 1


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["the network reads float32 images (1, 28, 28), not float32 (1, 2, 2)"])
    remedy: str | None = Field(default=None, description="What to do next.")


def problem(
    status: int, detail: str, *, remedy: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An answer of that kind."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, remedy=remedy)
    return JSONResponse(told.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for OpenAPI: which problems an operation can answer with."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


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
        (NetworkInputError, 422),
        (ModelError, 422),
        (StorageError, 503),
        (DataError, 400),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


async def _on_ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SievertError)  # noqa: S101 - it is registered for that class
    if isinstance(error, AccessError):
        return problem_of(error, presented=True).response()
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(status, error.message, remedy=error.remedy, headers=headers)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    """Which field, and what is wrong with it; never its value."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, f"{where}: {str(first['msg']).lower()}")


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _on_unforeseen(_: Request, error: Exception) -> JSONResponse:
    """An error of no class of ours: its text may hold a path or a header, so only its kind is told."""
    return problem(500, f"something unforeseen went wrong ({type(error).__name__})")
