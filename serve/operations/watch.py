"""The outermost layer of every app: counts each request, gives it an id, and writes its line."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from serve.access.principal import Principal
from serve.access.requests import address_of
from serve.operations.notes import begin_notes
from serve.operations.requestid import SANE_REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serve.operations.journal import Journal
    from serve.operations.metrics import Metrics
    from serve.operations.tracing import Tracing

HEADER = b"x-request-id"
NOWHERE = "none"
"""Instead of a route where none was reached: the path itself could name anything."""
GONE, FAILED = 499, 500
"""What is noted where no answer began: the client went away; or an error got through."""
_SANE = re.compile(SANE_REQUEST_ID.encode())


class Watch:
    """A layer before an app.

    Args:
        app: The app.
        name: What it is called in metrics and in the journal.
        metrics: Count.
        journal: Has a line of each request.
        tracing: Has a span of each.
        addresses: Whether lines have the address of who is connected.
    """

    def __init__(
        self, app: ASGIApp, *, name: str, metrics: Metrics, journal: Journal, tracing: Tracing, addresses: bool = False
    ) -> None:
        self._app, self._name, self._addresses = app, name, addresses
        self._metrics, self._journal, self._tracing = metrics, journal, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and watch."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, notes, begun = _Answer(scope["headers"], send), begin_notes(), time.perf_counter()
        self._metrics.begun(self._name)
        with self._tracing.request(scope["method"], scope["headers"]) as span:
            try:
                await self._app(scope, receive, answer.send)
            except Exception:
                answer.status = answer.status or FAILED
                raise
            finally:
                self._metrics.ended(self._name)
                seconds, route, status = time.perf_counter() - begun, route_of(scope), answer.status or GONE
                span.answered(route, status)
                self._metrics.answered(route, scope["method"], status, seconds)
                self._write(scope, answer, {**notes, "ms": round(1000 * seconds, 2), "trace": span.trace})

    def _write(self, scope: Scope, answer: _Answer, about: dict[str, Any]) -> None:
        principal = scope.get("state", {}).get("principal")
        told = {
            "app": self._name,
            "request": answer.id.decode("ascii"),
            "route": route_of(scope),
            "method": scope["method"] if len(scope["method"]) < len("PROPPATCH") else "other",
            "status": answer.status or GONE,
            "by": principal.by if isinstance(principal, Principal) else None,
            "address": address_of(scope) if self._addresses else None,
            **about,
        }
        self._journal.write("request", **{name: value for name, value in told.items() if value is not None})


class _Answer:
    """An answer on its way out: it gets the request's id, where we had to make one.

    Ray Serve answers the one that a request brings; `hosting/haproxy.py` sees to it that there is a sane one.
    """

    def __init__(self, headers: Iterable[tuple[bytes, bytes]], send: Send) -> None:
        given = [value for name, value in headers if name == HEADER]
        self._is_theirs = len(given) == 1 and _SANE.fullmatch(given[0]) is not None
        self.id = given[0] if self._is_theirs else uuid4().hex.encode("ascii")
        self.status, self._send = 0, send

    async def send(self, message: Message) -> None:
        """A piece of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if not self._is_theirs:
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, self.id)]}
        await self._send(message)


def route_of(scope: Scope) -> str:
    """The template that a request's path was matched with: `/v1/jobs/{job}`."""
    return str(getattr(scope.get("route"), "path", NOWHERE))
