"""The OpenAPI document, complete: also what the layers before every route answer, and how one signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from serve.api.problems import Problem, described
from serve.api.tensors import InferRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_ALL = (400, 413, 415, 429)
"""The path or a header is refused, or too much waits already: before any route."""
_OF_CLOSED = (401, 403, 503)
"""Who asks is not known, may not, or that cannot be checked now."""
_LEFTOVERS = ("HTTPValidationError", "ValidationError")
"""FastAPI's own, in whose place stand problems."""
_LIMITS = {
    "X-RateLimit-Limit": "Requests that a full minute's worth holds.",
    "X-RateLimit-Remaining": "Requests that are left now.",
    "X-RateLimit-Reset": "Seconds until all are there again.",
}


class DocumentedApp(FastAPI):
    """An app whose document says all that it answers."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        made = self.openapi_schema is not None
        document: dict[str, Any] = super().openapi()
        if not made:
            _complete(document)
        return document


def _complete(document: dict[str, Any]) -> None:
    for operation in _operations(document):
        closed = bool(operation.get("security"))
        responses = operation["responses"]
        if "HTTPValidationError" in str(responses.get("422")):
            del responses["422"]
            responses.update(_texts(described(422)))
        for status, problem in _texts(described(*_OF_ALL, *(_OF_CLOSED if closed else ()))).items():
            responses.setdefault(status, problem)
        if closed:
            _tell_limits(responses)
        operation["responses"] = dict(sorted(responses.items()))
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    schemas.update(InferRequest.model_json_schema(ref_template="#/components/schemas/{model}")["$defs"])
    for name in _LEFTOVERS:
        schemas.pop(name, None)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _tell_limits(responses: dict[str, Any]) -> None:
    """What is answered to who has signed in says how much they may still ask."""
    for status, response in responses.items():
        if status.startswith("2"):
            told = {name: _header(text, "integer") for name, text in _LIMITS.items()}
            response["headers"] = {**told, **response.get("headers", {})}


def _header(description: str, kind: str) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": kind}}


def _texts(responses: dict[int | str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(status): response for status, response in responses.items()}
