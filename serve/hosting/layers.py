"""The layers that every app of the service has in front: who asks, and how much waits already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.access.guard import Guard
from serve.access.middleware import AccessMiddleware, Doors
from serve.api.app import unprefixed, with_layers
from serve.api.pressure import Pressure

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sievert.settings import ServeSettings


def open_guard(settings: ServeSettings) -> Guard:
    """Says who asks, by the state folder that all replicas share.

    Raises:
        ServeError: The folder is open to others, or damaged.
    """
    return Guard(settings, settings.state.absolute())


def layered(app: ASGIApp, settings: ServeSettings, guard: Guard, *, most: int, doors: Doors) -> ASGIApp:
    """An app as the network sees it.

    Args:
        app: The routes, as whole addresses.
        settings: Of the service.
        guard: Says who asks.
        most: Requests in hand and waiting.
        doors: Which paths are open.
    """
    return with_layers(
        app,
        [
            unprefixed,
            lambda inner: AccessMiddleware(inner, guard=guard, max_body_bytes=settings.max_body_bytes, doors=doors),
            lambda inner: Pressure(inner, most=most),
        ],
    )
