"""One request on its way through the service: its body is counted, its answer gets headers that keep browsers safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from serve.access.requests import too_large

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Message, Receive, Scope, Send

    from serve.access.problems import Problem

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing from elsewhere and nothing inline (Content Security Policy Level 3)."""
_HSTS_S = 31_536_000

Pairs = tuple[tuple[bytes, bytes], ...]


def safe_headers(*, tls: bool, content_policy: str = CONTENT_POLICY) -> Pairs:
    """What every answer says to browsers.

    `same-origin` is the strictest Referrer-Policy with which browsers still send `Origin` with our own forms.

    Args:
        tls: Whether browsers reach us over TLS.
        content_policy: Of the pages.
    """
    told = {
        "content-security-policy": content_policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        **({"strict-transport-security": f"max-age={_HSTS_S}"} if tls else {}),
    }
    return encoded(told.items())


def encoded(headers: Iterable[tuple[str, str]]) -> Pairs:
    """As ASGI wants them."""
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers)


class Exchange:
    """A request's body on its way in, and its answer on its way out.

    Args:
        scope: Of the request.
        receive: Brings its body.
        send: Takes its answer.
        most_bytes: That the body may have; above it the answer is 413, whatever the application makes of it.
        headers: Put into the answer, instead of the application's own of the same name.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, most_bytes: int, headers: Pairs) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._most_bytes = most_bytes
        self._headers = headers
        self._size = 0
        self.refused = self.started = False

    async def receive(self) -> Message:
        """The next piece of the body."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._most_bytes:
            await self.refuse(too_large(self._most_bytes))
            raise HTTPException(413)  # of all errors, applications let this one through
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer; nothing more once it was refused."""
        if self.refused:
            return
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": self._with_ours(message.get("headers", ()))}
        await self._send(message)

    def add(self, headers: Pairs) -> None:
        """Put further headers into the answer."""
        self._headers += headers

    async def refuse(self, problem: Problem) -> None:
        """Answer with a refusal, unless an answer is on its way already."""
        if not self.started:
            await problem.response()(self._scope, self._receive, self.send)
        self.refused = True

    def _with_ours(self, theirs: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in self._headers}
        return [*((name, value) for name, value in theirs if name.lower() not in names), *self._headers]
