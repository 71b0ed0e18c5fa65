"""The layers that every app of the service has in front: what is watched, who asks, and how much waits already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.access.guard import Guard
from serve.access.middleware import AccessMiddleware, Doors
from serve.api.app import unprefixed, with_layers
from serve.api.pressure import Pressure

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from serve.operations.process import Operations
    from sievert.settings import ServeSettings


_BODIES = 4
"""Bodies of the largest size that a process may have in hand; there are few of that size."""


def open_guard(settings: ServeSettings) -> Guard:
    """Says who asks, by the state folder that all replicas share.

    Raises:
        ServeError: The folder is open to others, or damaged.
    """
    return Guard(settings, settings.state.absolute())


def layered(
    app: ASGIApp, settings: ServeSettings, guard: Guard, *, most: int, doors: Doors, operations: Operations
) -> ASGIApp:
    """An app as the network sees it.

    Args:
        app: The routes, as whole addresses.
        settings: Of the service.
        guard: Says who asks.
        most: Requests in hand and waiting.
        doors: Which paths are open.
        operations: Watch.
    """
    return with_layers(
        app,
        [
            unprefixed,
            operations.watched,
            lambda inner: AccessMiddleware(
                inner, guard=guard, max_body_bytes=settings.max_body_bytes, doors=doors, observe=operations.signed
            ),
            lambda inner: Pressure(
                inner, most=most, most_bytes=_BODIES * settings.max_body_bytes, refused=operations.refused
            ),
        ],
    )
