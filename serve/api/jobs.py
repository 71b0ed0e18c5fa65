"""Studies whose sender does not wait: 202 at once, progress as server-sent events, records when they are there.

Sources: RFC 7240, 4.1 (`Prefer: respond-async`); RFC 9110, 15.3.3 (202); the HTML standard, 9.2 (server-sent events).
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from serve.access.principal import Permission, Principal, Role
from serve.access.problems import problem
from serve.api.backend import Backend, choose_model, find_model
from serve.api.examples import HEX_ID, PENDING, STUDIES_JOB, shown
from serve.api.problems import described
from sievert.errors import SievertError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from serve.api.studies import Asking

HEARTBEAT_S = 15.0
RETRY_S = 5
JobId = Annotated[
    str, Path(min_length=32, max_length=32, pattern=HEX_ID, description="Id of a job.", examples=[PENDING])
]


class State(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobView(BaseModel):
    """A job as its owner sees it."""

    id: str = Field(examples=["0123456789abcdef0123456789abcdef"])
    state: State
    done: int = Field(description="Studies that were screened and sealed.")
    total: int
    records: list[dict[str, Any]] = Field(description="Of those; an event has them only when it is the last.")
    error: str | None = Field(default=None, description="Why it failed.")


@dataclass(slots=True)
class _Job:
    """One job; its contents go as they are screened."""

    id: str
    owner: str | None
    contents: list[bytes] = field(repr=False)
    asking: Asking
    total: int
    state: State = State.QUEUED
    records: list[dict[str, Any]] = field(default_factory=list, repr=False)
    error: str | None = None
    ended: float | None = None
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake whoever waits for a change."""
        self.changed.set()
        self.changed = asyncio.Event()

    def view(self, *, brief: bool = False) -> JobView:
        """What its owner sees; briefly, without records while it is not ended."""
        records = [] if brief and self.ended is None else self.records
        return JobView(
            id=self.id, state=self.state, done=len(self.records), total=self.total, records=records, error=self.error
        )


class Jobs:
    """The jobs of one process: they are gone with it, and what they have sealed is not.

    Args:
        backend: Who screens.
        most: Jobs that are held, ended ones among them; beyond it the oldest ended one goes, or a new one gets 429.
        keep_s: How long an ended one is held.
        most_bytes: Of studies that wait.
        at_once: Jobs that are worked on at once.
        clock: Seconds.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        most: int,
        keep_s: float,
        most_bytes: int = 1 << 30,
        at_once: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend, self._most, self._keep_s, self._clock = backend, most, keep_s, clock
        self._most_bytes = most_bytes
        self._places, self._jobs = asyncio.Semaphore(at_once), dict[str, _Job]()

    async def later(self, contents: list[bytes], asking: Asking, request: Request) -> Response:
        """Take studies, and answer at once; see `studies_router`."""
        find_model(self._backend, asking.model)
        if not self._has_place(sum(map(len, contents))):
            told = {"Retry-After": str(RETRY_S)}
            return problem(429, "too many studies wait already", remedy="Send it again later.", headers=told)
        job = _Job(token_hex(16), _name(request), contents, asking, len(contents))
        self._jobs[job.id] = job
        job.task = asyncio.create_task(self._run(job))
        headers = {"Location": f"/v1/jobs/{job.id}", "Preference-Applied": "respond-async"}
        return JSONResponse(job.view().model_dump(mode="json"), 202, headers)

    def find(self, job: str, request: Request) -> _Job | None:
        """A job, if it is the asking principal's own, or they administer the service."""
        self._forget()
        found = self._jobs.get(job)
        return found if found and (found.owner == _name(request) or _administers(request)) else None

    def cancel(self, job: _Job) -> None:
        """Stop a job and forget it; what it has sealed stays."""
        self._jobs.pop(job.id, None)
        if job.task:
            job.task.cancel()

    async def stop(self) -> None:
        """Cancel all."""
        tasks = [job.task for job in self._jobs.values() if job.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _has_place(self, size: int) -> bool:
        """Also in memory: what waits is held whole."""
        self._forget()
        held = sum(len(content) for job in self._jobs.values() for content in job.contents)
        if held and held + size > self._most_bytes:
            return False
        ended = sorted((job.ended, job.id) for job in self._jobs.values() if job.ended is not None)
        if len(self._jobs) >= self._most and ended:
            del self._jobs[ended[0][1]]
        return len(self._jobs) < self._most

    def _forget(self) -> None:
        gone = self._clock() - self._keep_s
        self._jobs = {key: job for key, job in self._jobs.items() if job.ended is None or job.ended > gone}

    async def _run(self, job: _Job) -> None:
        try:
            async with self._places:
                job.state = State.RUNNING
                await self._screen(job)
            job.state = State.DONE
        except asyncio.CancelledError:
            job.state, job.error = State.FAILED, "it was cancelled"
            raise
        except Exception as error:  # noqa: BLE001 - the text of an unforeseen one may hold a header
            job.state = State.FAILED
            job.error = error.message if isinstance(error, SievertError) else type(error).__name__
        finally:
            job.ended = self._clock()
            job.contents.clear()
            job.tell()

    async def _screen(self, job: _Job) -> None:
        asking = job.asking
        job.contents.reverse()
        job.tell()
        while job.contents:
            content = job.contents.pop()
            name = choose_model(self._backend, asking.model, content)
            found = await self._backend.screen(name, content, patient=asking.patient, shown=asking.shown)
            job.records.append(found.record)
            job.tell()


def jobs_router(jobs: Jobs, *, allowed: Callable[[Permission], object]) -> APIRouter:
    """The routes of jobs.

    Args:
        jobs: They.
        allowed: Makes a FastAPI dependency that refuses whoever lacks a permission.
    """
    guard: Any = allowed(Permission.INFER)
    router = APIRouter(tags=["jobs"], dependencies=[Depends(guard)])
    statuses = described(404, 422)
    told = f"event: progress\ndata: {json.dumps(STUDIES_JOB)}\n\n"
    stream = {"text/event-stream": {"schema": {"type": "string"}, "example": told}}

    @router.get("/v1/jobs/{job}", summary="A job", response_model=JobView, responses={**shown(STUDIES_JOB), **statuses})
    async def show(job: JobId, request: Request) -> Response:
        """How far it is, and the records so far."""
        found = jobs.find(job, request)
        return JSONResponse(found.view().model_dump(mode="json")) if found else _missing()

    @router.get(
        "/v1/jobs/{job}/events",
        summary="Its progress",
        response_class=StreamingResponse,
        responses={**statuses, 200: {"description": "Events `progress`.", "content": stream}},
    )
    async def events(job: JobId, request: Request) -> Response:
        """Server-sent events until it is ended; the last one has the records."""
        found = jobs.find(job, request)
        if not found:
            return _missing()
        return StreamingResponse(_events(found), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @router.delete("/v1/jobs/{job}", summary="Cancel it", status_code=204, responses=statuses)
    async def cancel(job: JobId, request: Request) -> Response:
        """It is stopped and forgotten; what it has sealed stays."""
        found = jobs.find(job, request)
        if not found:
            return _missing()
        jobs.cancel(found)
        return Response(status_code=204)

    return router


async def _events(job: _Job) -> AsyncIterator[str]:
    while True:
        changed = job.changed
        yield f"event: progress\ndata: {job.view(brief=True).model_dump_json()}\n\n"
        if job.ended is not None:
            return
        while not await _is_set(changed):
            # a comment, so that no proxy takes the connection for dead
            yield ": \n\n"


async def _is_set(event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            return await event.wait()
    except TimeoutError:
        return False


def _missing() -> JSONResponse:
    return problem(404, "there is no such job, or it is not yours", remedy="Ended jobs are kept for a while only.")


def _name(request: Request) -> str | None:
    principal = getattr(request.state, "principal", None)
    return principal.name if isinstance(principal, Principal) else None


def _administers(request: Request) -> bool:
    principal = getattr(request.state, "principal", None)
    return isinstance(principal, Principal) and Role.ADMIN in principal.roles
