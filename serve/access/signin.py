"""The sign-in page: a form for a token or an API key, a way to the OpenID provider, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request  # FastAPI reads the annotations
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.access.csrf import check_origin
from serve.access.events import AccessEvent, Observer, ignore
from serve.access.limits import network_of
from serve.access.middleware import SIGN_IN, SIGN_OUT
from serve.access.oidc.codeflow import FLOW_S
from serve.access.rendering import render, style
from serve.access.requests import address_of
from sievert.errors import AccessError, ServeError

if TYPE_CHECKING:
    from serve.access.guard import Guard, Shown

_LONGEST_HOME = 2048
_SEE_OTHER = 303


def sign_in_router(guard: Guard, *, observe: Observer = ignore) -> APIRouter:
    """The routes of signing in and out: `app.include_router(sign_in_router(guard))`, behind the middleware.

    Args:
        guard: The middleware's own.
        observe: Is told of who signed in, signed out or was refused; if it raises, nobody is signed in.
    """
    desk = _Desk(guard, observe)
    router = APIRouter(include_in_schema=False)
    router.add_api_route(SIGN_IN, desk.show, methods=["GET"])
    router.add_api_route(SIGN_IN, desk.sign_in, methods=["POST"])
    router.add_api_route(SIGN_OUT, desk.sign_out, methods=["POST"])
    router.add_api_route(f"{SIGN_IN}/style.css", _style, methods=["GET"])
    if guard.flow is not None:
        router.add_api_route(f"{SIGN_IN}/oidc", desk.leave, methods=["GET"])
        router.add_api_route(f"{SIGN_IN}/callback", desk.come_back, methods=["GET"])
    return router


@dataclass(frozen=True, slots=True)
class _Desk:
    guard: Guard
    observe: Observer

    async def show(self, request: Request) -> Response:
        """The form. Who comes from another site has no Strict cookie yet, and is first sent on from here."""
        home = _home(request.query_params.get("next"))
        if request.headers.get("sec-fetch-site") == "cross-site" and "next" in request.query_params:
            return _onward(request, home)
        return self._page(request, home=home)

    async def sign_in(self, request: Request) -> Response:
        """Take what was put into the form."""
        check_origin(dict(request.headers), self.guard.public)
        form = await request.form(max_files=0, max_fields=8)
        home, given = _home(form.get("next")), form.get("credential")
        try:
            shown = await to_thread.run_sync(self.guard.check, given.strip() if isinstance(given, str) else "")
        except AccessError:
            return await to_thread.run_sync(self._refused, request, home)
        except ServeError:
            return self._page(request, home=home, problem="The service cannot check that now. Try again.", status=503)
        return await to_thread.run_sync(
            self._signed_in, request, shown, RedirectResponse(_under(request, home), _SEE_OTHER)
        )

    async def sign_out(self, request: Request) -> Response:
        """End the session; the middleware has seen that the page itself asks for it."""
        answer = RedirectResponse(_under(request, SIGN_IN), _SEE_OTHER, {"Clear-Site-Data": '"cache", "storage"'})
        session = getattr(request.state, "session", None)
        if session is not None:
            await to_thread.run_sync(self.guard.sessions.end, session)
            await to_thread.run_sync(self._tell, "signed out", session.name, "session", request)
        self._forget(answer, self.guard.cookie, "strict")
        return answer

    def leave(self, request: Request) -> Response:
        """Send the browser to the OpenID provider."""
        if self.guard.flow is None:
            raise AccessError("this service has no sign-in at an OpenID provider")
        home, base = _home(request.query_params.get("next")), self.guard.public or _base(request, tls=self.guard.tls)
        try:
            there, carried = self.guard.flow.begin(back=f"{base}{SIGN_IN}/callback", home=home)
        except ServeError:
            return self._page(request, home=home, problem="The sign-in service does not answer.", status=503)
        answer = RedirectResponse(there, _SEE_OTHER, {"Cache-Control": "no-store"})
        # Lax: the way back begins at the provider's site
        self._set(answer, self._flow_cookie, carried, age_s=FLOW_S, same_site="lax")
        return answer

    def come_back(self, request: Request) -> Response:
        """Take what the OpenID provider has sent the browser back with."""
        try:
            shown, home = self.guard.finish_flow(request.query_params, request.cookies.get(self._flow_cookie))
        except AccessError:
            answer = self._refused(request, "/")
        except ServeError:
            answer = self._page(request, home="/", problem="The sign-in service does not answer.", status=503)
        else:
            answer = self._signed_in(request, shown, _onward(request, home))
        self._forget(answer, self._flow_cookie, "lax")
        return answer

    @property
    def _flow_cookie(self) -> str:
        return f"{self.guard.cookie}-flow"

    def _signed_in(self, request: Request, shown: Shown, answer: Response) -> Response:
        self._tell("signed in", shown.principal.name, shown.principal.by, request)
        _, sealed = self.guard.begin_session(shown)
        answer.headers["Cache-Control"] = "no-store"
        # without an age: it goes with the browser, at the latest when the service says so
        self._set(answer, self.guard.cookie, sealed, age_s=None, same_site="strict")
        return answer

    def _refused(self, request: Request, home: str) -> Response:
        taken = self.guard.failures.take(network_of(address_of(request.scope)))
        if not taken.allowed:
            problem = f"Too many attempts. Wait {taken.wait_s} s, then try again."
            answer = self._page(request, home=home, problem=problem, status=429)
            answer.headers["Retry-After"] = str(taken.wait_s)
            return answer
        self._tell("refused", "unknown", "sign-in", request)
        return self._page(request, home=home, problem="That was not accepted. Check it and try again.", status=401)

    def _tell(self, what: Any, who: str, by: str, request: Request) -> None:  # noqa: ANN401 - one of the event's words
        self.observe(AccessEvent(what, who, by, address_of(request.scope)))

    def _page(self, request: Request, *, home: str, problem: str = "", status: int = 200) -> Response:
        there = _under(request, SIGN_IN)
        page = render(
            "sign-in.html.jinja",
            action=there,
            home=home,
            problem=problem,
            provider=f"{there}/oidc?next={quote(home)}" if self.guard.flow else "",
        )
        return HTMLResponse(page, status, {"Cache-Control": "no-store"})

    def _set(self, answer: Response, name: str, value: str, *, age_s: int | None, same_site: Any) -> None:  # noqa: ANN401 - Starlette's literal
        answer.set_cookie(
            name, value, max_age=age_s, path="/", secure=self.guard.tls, httponly=True, samesite=same_site
        )

    def _forget(self, answer: Response, name: str, same_site: Any) -> None:  # noqa: ANN401 - Starlette's literal
        answer.delete_cookie(name, path="/", secure=self.guard.tls, httponly=True, samesite=same_site)


async def _style() -> Response:
    return Response(style(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


def _onward(request: Request, home: str) -> Response:
    """A page that goes on by itself: the next request then begins at our own site, so that the cookie comes along."""
    page = render("onward.html.jinja", home=_under(request, home), action=_under(request, SIGN_IN))
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _home(given: object) -> str:
    """A path of ours to go on with; anything that could lead elsewhere is the first page."""
    if not isinstance(given, str) or len(given) > _LONGEST_HOME or not given.isprintable():
        return "/"
    return given if given.startswith("/") and not given.startswith("//") and "\\" not in given else "/"


def _under(request: Request, path: str) -> str:
    return str(request.scope.get("root_path", "")) + path


def _base(request: Request, *, tls: bool) -> str:
    """Where the browser sees us; the provider sends nobody to an address that is not registered with it."""
    scheme = "https" if tls else request.url.scheme
    return f"{scheme}://{request.headers.get('host', '')}{request.scope.get('root_path', '')}"
