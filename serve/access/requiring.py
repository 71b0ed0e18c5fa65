"""What a route asks of who calls it: `Annotated[Principal, Depends(require(Permission.READ))]`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable  # noqa: TC003 - FastAPI reads the annotations
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from serve.access.principal import Permission, Principal
from sievert.errors import AccessError, ForbiddenError

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An API key, the one-time token of this run, or an access token of the OpenID provider.",
)
"""Stands in the OpenAPI document; the middleware has done the checking."""
SESSION = APIKeyCookie(
    name="sievert",
    scheme_name="session",
    auto_error=False,
    description="A session of the sign-in page, named `__Host-sievert` over HTTPS; changes need X-CSRF-Token beside.",
)
"""The same."""


def require(permission: Permission) -> Callable[..., Awaitable[Principal]]:
    """A dependency of FastAPI: the principal, if their roles allow it.

    Args:
        permission: What the route does.

    Returns:
        A callable for `Depends`; it raises ForbiddenError, which the middleware answers with 403.
    """

    async def allowed(
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
        _session: Annotated[str | None, Security(SESSION)],
    ) -> Principal:
        principal = principal_of(request)
        if not principal.may(permission):
            raise ForbiddenError(f"none of your roles allows it: `{permission}` is needed")
        return principal

    return allowed


def principal_of(request: Request) -> Principal:
    """Who asks.

    Raises:
        AccessError: The middleware has let nobody in: the path is open, or the middleware is missing.
    """
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise AccessError("who asks has not signed in")
    return principal


def csrf_of(request: Request) -> str:
    """The token that forms (field `csrf`) and scripts (header `X-CSRF-Token`) of this session send; empty without."""
    return str(getattr(request.state, "csrf", ""))
