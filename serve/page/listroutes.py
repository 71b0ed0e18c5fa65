"""The worklist and the audit log as pages."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from pipelines.results.audit import AuditLog
from serve.access.principal import Permission, Principal
from serve.access.requiring import principal_of, require
from serve.page.query import CaseQuery  # noqa: TC001 - FastAPI reads it at run time
from serve.page.rendering import render
from sievert.errors import ForbiddenError

if TYPE_CHECKING:
    from pathlib import Path

    from serve.page.desk import Desk

LAST_ENTRIES = 200
_COLUMNS = (
    ("priority", "Urgency"),
    ("probability", "Probability"),
    ("confidence", "Confidence"),
    ("modality", "Modality"),
    ("model", "Model"),
    ("time", "Time (UTC)"),
    ("state", "State"),
    ("record", "Record"),
)
Auditor = Annotated[Principal, Depends(require(Permission.AUDIT))]


def list_router(desk: Desk) -> APIRouter:
    """`/` and `/audit`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def worklist(request: Request, query: Annotated[CaseQuery, Query()]) -> Response:
        who = principal_of(request)
        if who.may(Permission.READ):
            return _show_list(desk, request, query, who)
        if who.may(Permission.AUDIT):
            return RedirectResponse("/audit", 303)
        raise ForbiddenError("none of your roles allows it: `read` is needed")

    @router.get("/audit")
    def audit(request: Request, who: Auditor) -> Response:
        desk.log(who, "read the audit log")
        entries = read_end(desk.book.keys.folder, LAST_ENTRIES)
        return render(desk, request, "audit.html.jinja", who=who, entries=entries, most=LAST_ENTRIES)

    return router


def _show_list(desk: Desk, request: Request, query: CaseQuery, who: Principal) -> Response:
    page = desk.book.page(query, me=who.name)
    desk.log_list(who, page.rows)
    return render(
        desk,
        request,
        "list.html.jinja",
        who=who,
        query=query,
        page=page,
        pages=max(1, -(-page.total // query.size)),
        columns=_COLUMNS,
        choices=desk.book.choices(),
        warnings=desk.book.warnings(),
    )


def read_end(folder: Path, count: int) -> list[dict[str, Any]]:
    """The last entries of the audit log, the newest first; a line that is no entry is shown as that.

    Args:
        folder: The key store's.
        count: How many at most.

    Raises:
        StorageError: And its kinds.
    """
    return [_entry(line) for line in reversed(deque(AuditLog(folder).lines(), maxlen=count))]


def _entry(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
        about = {name: value for name, value in told.get("about", {}).items() if name != "records"}
        seen = len(told.get("about", {}).get("records", ()))
        return {**{name: told.get(name, "") for name in ("n", "time", "who", "what")}, "about": about, "seen": seen}
    except (ValueError, AttributeError, TypeError):
        return {"n": "", "time": "", "who": "", "what": "a line that is no entry", "about": {}, "seen": 0}
