"""Back-pressure: a replica takes so many requests in hand; others are told to come again (RFC 9110, 10.2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.api.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

RETRY_S = 1


class Pressure:
    """A layer before an app.

    Args:
        app: The app.
        most: Requests in hand and waiting; further ones get 429.
        refused: Told of each refusal.
    """

    def __init__(self, app: ASGIApp, *, most: int, refused: Callable[[], None] = lambda: None) -> None:
        self._app, self._most, self._refused = app, most, refused
        self.in_hand = 0

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
        self.in_hand += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.in_hand -= 1
