"""The layers that every app of the service has in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from serve.access.principal import Permission
    from sievert.settings import ServeSettings


def access_layers(settings: ServeSettings) -> list[Callable[[ASGIApp], ASGIApp]]:
    return []


def allowed(permission: Permission) -> Callable[[], None]:
    return lambda: None
