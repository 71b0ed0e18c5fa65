"""The front of the service around the shipped model in this process, with two tokens that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request

from serve.api.app import front_app
from serve.api.jobs import Jobs, jobs_router
from sievert.errors import AccessError
from tests.onlinebackend import authenticate

if TYPE_CHECKING:
    from serve.access.principal import Permission
    from tests.onlinebackend import Online


def app_around(online: Online) -> FastAPI:
    """It."""

    def allowed(permission: Permission) -> object:
        def check(request: Request) -> None:
            try:
                request.state.principal = authenticate(request.headers.get("authorization", ""))
            except AccessError as error:
                raise HTTPException(401, error.message) from error
            if not request.state.principal.may(permission):
                raise HTTPException(403, "none of your roles allows it")

        check.__annotations__["request"] = Request
        return check

    jobs = Jobs(online.backend, most=8, keep_s=60)
    return front_app(
        online.backend,
        most_bytes=1 << 20,
        allowed=allowed,
        later=jobs.later,
        routers=[jobs_router(jobs, allowed=allowed)],
    )
