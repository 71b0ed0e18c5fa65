"""The worklist for tests: a small app with somebody who is signed in, and a server for browsers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from serve.access.principal import Principal, Role
from serve.page.casebook import CaseBook
from serve.page.reviews import Reviews
from serve.page.router import page_router
from serve.page.verification import Verifier
from sievert.errors import AccessError, ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from starlette.responses import Response

    from pipelines.results.keystore import KeyStore
    from pipelines.results.ledger import Ledger

PEOPLE = {
    "ada": Principal("ada", frozenset({Role.CLINICIAN}), "session"),
    "bob": Principal("bob", frozenset({Role.CLINICIAN}), "session"),
    "rita": Principal("rita", frozenset({Role.READER}), "session"),
    "otto": Principal("otto", frozenset({Role.AUDITOR}), "session"),
    "root": Principal("root", frozenset({Role.ADMIN}), "session"),
    "sub": Principal("sub", frozenset({Role.SUBMITTER}), "key"),
}


@dataclass(frozen=True)
class Desk:
    """A worklist of a test."""

    app: FastAPI
    book: CaseBook
    reviews: Reviews


def open_desk(results: Path, keys: KeyStore, ledger: Ledger, state: Path, *, fresh_s: float = 0.0) -> Desk:
    """An app in which the header `x-who`, or the cookie `who`, says who asks; nobody without one."""
    reviews = Reviews(state, identity_key=keys.identity_key)
    book = CaseBook(results, keys, reviews)
    book.refresh()
    app = FastAPI()

    @app.middleware("http")
    async def sign_in(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        who = request.headers.get("x-who") or request.cookies.get("who") or ""
        if who in PEOPLE:
            request.state.principal = PEOPLE[who]
        return await answer(request)

    @app.exception_handler(AccessError)
    async def refuse(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 403 if isinstance(error, ForbiddenError) else 401)

    app.include_router(page_router(book, reviews, verifier=Verifier(book, ledger, fresh_s=fresh_s)))
    return Desk(app, book, reviews)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app on a port of its own; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
