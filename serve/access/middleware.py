"""Stands before the whole application: nothing is answered to who has not shown who they are, but what is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from serve.access.answers import CONTENT_POLICY, Exchange, encoded, safe_headers
from serve.access.csrf import check_origin, check_token, posted_token
from serve.access.events import AccessEvent, Observer, ignore
from serve.access.limits import network_of
from serve.access.problems import Problem, problem_of, too_many
from serve.access.requests import SAFE_METHODS, address_of, check_request, cookies_in, path_of, read_headers
from sievert.errors import AccessError, ForbiddenError, ServeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from serve.access.guard import Guard, Shown

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
OPEN_PATHS = frozenset({"/health", SIGN_IN, f"{SIGN_IN}/style.css", f"{SIGN_IN}/oidc", f"{SIGN_IN}/callback"})
_OPEN_BODY_BYTES = 65_536
_PRIVATE = ((b"cache-control", b"no-store"),)
_CHECKS_AT_ONCE = 8
_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Doors:
    """Which paths are open, and which lead people to the sign-in page.

    Attributes:
        open_paths: Answered to anybody, exactly these.
        open_prefixes: Of files that come with the application and tell nothing: `/assets/`.
        pages: Prefixes of what people look at, beside `/` itself; without a session a browser is led to the sign-in.
        content_policy: Of every answer.
    """

    open_paths: frozenset[str] = OPEN_PATHS
    open_prefixes: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    content_policy: str = CONTENT_POLICY

    def are_open(self, path: str) -> bool:
        """Whether a path is answered to anybody."""
        return path in self.open_paths or path.startswith(self.open_prefixes)

    def lead_to_sign_in(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a browser asks for a page. Signing out of a session that is over is asked for with POST."""
        page = method in ("GET", "HEAD") and (path == "/" or path.startswith(self.pages))
        return (
            (page or path == SIGN_OUT) and "text/html" in headers.get("accept", "") and "authorization" not in headers
        )


class AccessMiddleware:
    """Pure ASGI middleware: `app.add_middleware(AccessMiddleware, guard=guard, ...)`, the outermost one.

    Behind it `scope["state"]` holds `principal`, and of a session `session` and `csrf`.

    Args:
        app: What stands behind it.
        guard: Says who asks.
        max_body_bytes: That a body may have.
        doors: Which paths are open.
        observe: Is told of who was refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        guard: Guard,
        max_body_bytes: int,
        doors: Doors = Doors(),
        observe: Observer = ignore,
    ) -> None:
        self._app = app
        self._guard = guard
        self._max_body_bytes = max_body_bytes
        self._doors = doors
        self._observe = observe
        self._headers = safe_headers(tls=guard.tls, content_policy=doors.content_policy)
        self._checks: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":  # there is none in the service, and no guard for one
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, headers = path_of(scope), read_headers(scope["headers"])
        is_open = self._doors.are_open(path)
        most_bytes = _OPEN_BODY_BYTES if is_open else self._max_body_bytes
        exchange = Exchange(scope, receive, send, most_bytes=most_bytes, headers=self._headers)
        wrong = headers if isinstance(headers, Problem) else check_request(headers, path, most_bytes=most_bytes)
        if wrong is not None or isinstance(headers, Problem):
            await exchange.refuse(wrong or Problem(400, "the request cannot be read"))
        elif is_open:
            await self._pass_on(scope, exchange, exchange.receive)
        else:
            exchange.add(_PRIVATE)
            await self._admit(scope, headers, exchange)

    async def _admit(self, scope: Scope, headers: dict[str, str], exchange: Exchange) -> None:
        try:
            shown = await self._identify(headers)
        except AccessError as error:
            await self._turn_away(scope, headers, exchange, error)
            return
        except ServeError as error:
            await exchange.refuse(problem_of(error))
            return
        taken = self._guard.requests.take(shown.principal.name)
        exchange.add(encoded(taken.headers))
        if not taken.allowed:
            await exchange.refuse(too_many("more requests than one may make in a minute", taken.wait_s))
            return
        await self._hand_over(scope, headers, exchange, shown)

    async def _hand_over(self, scope: Scope, headers: dict[str, str], exchange: Exchange, shown: Shown) -> None:
        state: dict[str, Any] = scope.setdefault("state", {})
        state["principal"], state["session"] = shown.principal, shown.session
        if shown.session is None:
            await self._pass_on(scope, exchange, exchange.receive)
            return
        state["csrf"] = self._guard.sessions.csrf_token(shown.session)
        try:
            receive = await self._check_source(scope, headers, exchange.receive)
        except ForbiddenError as error:
            await exchange.refuse(problem_of(error))
        except HTTPException:  # the form was too large, and was refused for it
            return
        else:
            await self._pass_on(scope, exchange, receive)

    async def _check_source(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        """That a change is asked for by our own page, where a cookie says who asks."""
        if scope["method"] not in SAFE_METHODS:
            check_origin(headers, self._guard.public)
            given, receive = await posted_token(headers, receive)
            check_token(given, scope["state"]["csrf"])
        return receive

    async def _pass_on(self, scope: Scope, exchange: Exchange, receive: Receive) -> None:
        try:
            await self._app(scope, receive, exchange.send)
        except AccessError as error:
            if exchange.started:
                raise
            await exchange.refuse(problem_of(error))
        except HTTPException:
            if not exchange.refused:
                raise

    async def _identify(self, headers: dict[str, str]) -> Shown:
        """In a thread where the issuer may have to be asked; not in many, so that others' requests find one."""
        if not self._guard.waits(headers):
            return self._guard.identify(headers, cookies_in(headers))
        self._checks = self._checks or CapacityLimiter(_CHECKS_AT_ONCE)
        return await to_thread.run_sync(self._guard.identify, headers, {}, limiter=self._checks)

    async def _turn_away(self, scope: Scope, headers: dict[str, str], exchange: Exchange, error: AccessError) -> None:
        """Who gave nothing is asked for it; who gave something wrong is counted."""
        if self._doors.lead_to_sign_in(scope["method"], path_of(scope), headers):
            await RedirectResponse(_sign_in_url(scope), 303)(scope, exchange.receive, exchange.send)
            return
        if "authorization" not in headers:
            await exchange.refuse(problem_of(error))
            return
        address = address_of(scope)
        taken = self._guard.failures.take(network_of(address))
        if not taken.allowed:
            await exchange.refuse(too_many("more refused credentials than one may give in a minute", taken.wait_s))
            return
        await to_thread.run_sync(self._observe, AccessEvent("refused", "unknown", "bearer", address))
        await exchange.refuse(problem_of(error, presented=True))


def _sign_in_url(scope: Scope) -> str:
    root, query = str(scope.get("root_path", "")), scope.get("query_string", b"").decode("latin-1")
    wanted = "/" if path_of(scope) == SIGN_OUT else path_of(scope) + (f"?{query}" if query else "")
    return f"{root}{SIGN_IN}?next={quote(wanted, safe='/')}"
