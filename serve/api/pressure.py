"""Back-pressure: a replica takes so many requests in hand; others are told to come again (RFC 9110, 10.2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from serve.access.problems import problem
from serve.api.problems import RETRY_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Pressure:
    """A layer before an app.

    Args:
        app: The app.
        most: Requests in hand and waiting; further ones get 429.
        most_bytes: Bytes of bodies in hand; what would be more gets 429.
        refused: Told of each refusal.
    """

    def __init__(self, app: ASGIApp, *, most: int, most_bytes: int, refused: Callable[[], None] = lambda: None) -> None:
        self._app, self._most, self._most_bytes, self._refused = app, most, most_bytes, refused
        self.in_hand = self.bytes_in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse before the body is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self.in_hand >= self._most:
            self._refused()
            answer = problem(429, "too many requests wait already", headers={"Retry-After": str(RETRY_S)})
            await answer(scope, receive, send)
            return
        await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = 0

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            held, self.bytes_in_hand = held + size, self.bytes_in_hand + size
            if self.bytes_in_hand > self._most_bytes:
                self._refused()
                told = {"Retry-After": str(RETRY_S)}
                raise HTTPException(429, "the bodies of other requests fill the memory that there is", told)
            return message

        self.in_hand += 1
        try:
            await self._app(scope, counted, send)
        finally:
            self.in_hand -= 1
            self.bytes_in_hand -= held
