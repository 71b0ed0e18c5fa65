"""Refusals as the answer tells them: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from sievert.errors import AccessError, ForbiddenError, SievertError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_TYPE = "application/problem+json"
_AWAY_S = "5"


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal.

    Attributes:
        status: HTTP status.
        detail: What is wrong, for the reader; nothing that was sent is repeated.
        headers: Further headers of the answer.
    """

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> JSONResponse:
        """The answer."""
        return problem(self.status, self.detail, headers=dict(self.headers))


def problem(
    status: int,
    detail: str,
    *,
    remedy: str | None = None,
    headers: Mapping[str, str] | None = None,
    further: Mapping[str, Any] = MappingProxyType({}),
) -> JSONResponse:
    """An answer of that kind.

    Args:
        status: HTTP status.
        detail: What is wrong; nothing that was sent is repeated.
        remedy: What to do next.
        headers: Of the answer.
        further: Extension members (RFC 9457, 3.2).
    """
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    advice = {} if remedy is None else {"remedy": remedy}
    return JSONResponse({**further, **told, **advice}, status, headers, PROBLEM_TYPE)


def problem_of(error: SievertError, *, presented: bool = False) -> Problem:
    """What an error of ours is to who asks; the challenge is RFC 6750's, section 3.

    Args:
        error: Its message is told where it is about access; any other only says that the service is not able to.
        presented: Whether a credential was given.
    """
    if isinstance(error, ForbiddenError):
        return Problem(403, error.message, (("WWW-Authenticate", _challenge("insufficient_scope")),))
    if isinstance(error, AccessError):
        return Problem(401, error.message, (("WWW-Authenticate", _challenge("invalid_token" if presented else "")),))
    return Problem(503, "the service cannot check who asks", (("Retry-After", _AWAY_S),))


def too_many(what: str, wait_s: int, headers: tuple[tuple[str, str], ...] = ()) -> Problem:
    """Who asks has to wait."""
    return Problem(429, what, (("Retry-After", str(wait_s)), *headers))


def _challenge(error: str) -> str:
    return f'Bearer realm="sievert", error="{error}"' if error else 'Bearer realm="sievert"'
