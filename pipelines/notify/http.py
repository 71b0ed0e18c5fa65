"""One HTTP request to a receiver, with its answer told as a delivery's outcome."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from sievert.errors import DeliveryError, RefusedNoticeError

_MOST_BYTES = 10_000_000
_CLIENT, _SERVER = HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Refusals of this moment, not of the notice."""


def is_final(status: int) -> bool:
    """Whether an HTTP status says that another try makes no sense."""
    return _CLIENT <= status < _SERVER and status not in _PASSING


def ask(request: Request, *, whom: str, timeout_s: float) -> bytes:
    """Send a request and return what is answered.

    Args:
        request: Its URL is shown nowhere: it may hold a token.
        whom: Whom it goes to, for errors.
        timeout_s: How long each silence may last.

    Raises:
        DeliveryError: No answer, a redirect, a server's error, or a refusal of this moment.
        RefusedNoticeError: The receiver will never take it.
    """
    try:
        with _opener(request.full_url).open(request, timeout=timeout_s) as answer:
            return bytes(answer.read(_MOST_BYTES))
    except HTTPError as error:
        raise _refusal(error, whom) from None
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise DeliveryError(f"{whom} cannot be reached ({_kind(error)})") from None


class _NoRedirect(HTTPRedirectHandler):
    """What is signed for one receiver is carried to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener(url: str) -> OpenerDirector:
    """A proxy carries what is encrypted; what goes to this machine without encryption stays on it."""
    near = (ProxyHandler({}),) if url.startswith("http:") else ()
    return build_opener(_NoRedirect, *near)


def _refusal(error: HTTPError, whom: str) -> DeliveryError:
    with error:
        told = f"{whom} answers with HTTP {error.code}"
        if is_final(error.code):
            return RefusedNoticeError(told)
        passing = DeliveryError(told)
        passing.asked_s = _retry_after(error.headers.get("Retry-After"))
        return passing


def _retry_after(told: str | None) -> float | None:
    """Seconds; the header holds those or a date (RFC 9110, 10.2.3)."""
    if told is None:
        return None
    if told.strip().isdecimal():
        return float(told)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    return None


def _kind(error: Exception) -> str:
    """What went wrong, by its kind: the text may hold the URL."""
    cause = error.reason if isinstance(error, URLError) else error
    return type(cause).__name__ if isinstance(cause, Exception) else type(error).__name__
