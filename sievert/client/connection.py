"""Requests that are tried again where that makes sense, and refusals told as errors of ours."""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from sievert.errors import AccessError, ForbiddenError, ServeError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_S = 60.0
"""A wait is never longer, whatever the service asks for."""
_FIRST_S = 0.25
_PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Connection:
    """The service at one address.

    Args:
        url: Where it is.
        token: Shown as bearer token (RFC 6750).
        timeout_s: How long each silence may last.
        tries: How often a request is made at most.
    """

    def __init__(self, url: str, token: str | None, *, timeout_s: float, tries: int) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http, self._tries = httpx.Client(base_url=url, headers=headers, timeout=timeout_s), tries

    def close(self) -> None:
        """Give back its connections."""
        self._http.close()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        """Make a request, again where the service is busy or was not reached at all.

        Raises:
            AccessError: It does not know who asks.
            ForbiddenError: Their roles do not allow it.
            ServeError: It refuses for another reason, or does not answer.
        """
        answer = self._again(method, path, request)
        if answer.is_error:
            raise refusal(answer)
        return answer

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        """An answer that is read while it comes; errors as `ask`."""
        try:
            with self._http.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer:
                if answer.is_error:
                    answer.read()
                    raise refusal(answer)
                yield answer
        except httpx.TransportError as error:
            raise _unreached(error) from None

    def _again(self, method: str, path: str, request: dict[str, Any]) -> httpx.Response:
        for tried in range(1, self._tries + 1):
            last = tried == self._tries
            try:
                answer = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                # what may have arrived is asked for twice only where that changes nothing
                if last or not (isinstance(error, httpx.ConnectError) or method == "GET"):
                    raise _unreached(error) from None
                time.sleep(_wait_s(tried, None))
                continue
            if last or answer.status_code not in _PASSING:
                return answer
            time.sleep(_wait_s(tried, answer.headers.get("Retry-After")))
        raise ServeError("the service was not asked")


def refusal(answer: httpx.Response) -> ServeError:
    """An answer that refuses, as an error; problem details (RFC 9457) say why."""
    try:
        told = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        told = None
    told = told if isinstance(told, dict) else {}
    kinds: dict[int, type[ServeError]] = {401: AccessError, 403: ForbiddenError}
    kind = kinds.get(answer.status_code, ServeError)
    return kind(f"{told.get('detail', 'the service refuses')} (HTTP {answer.status_code})", remedy=told.get("remedy"))


def _unreached(error: httpx.TransportError) -> ServeError:
    return ServeError(f"the service does not answer ({type(error).__name__})", remedy="Check its address; ask again.")


def _wait_s(tried: int, asked: str | None) -> float:
    """Waits that double, shortened by chance, and are not shorter than was asked for."""
    drawn = _FIRST_S * 2.0 ** (tried - 1) * (0.5 + random.random() / 2)  # noqa: S311 - no secret
    return min(max(drawn, _asked_s(asked)), LONGEST_S)


def _asked_s(told: str | None) -> float:
    """Seconds of Retry-After, which holds those or a date (RFC 9110, 10.2.3)."""
    if told is None:
        return 0.0
    if told.strip().isdecimal():
        return float(told)
    try:
        return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
