"""Pours views into templates; every value is escaped."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse

from pipelines.results.report import formats
from serve.access.principal import Permission
from serve.access.requiring import csrf_of
from serve.page.assets import version
from serve.page.case import URGENCIES
from serve.page.desk import HEADERS
from serve.page.standing import DISAGREEMENTS

if TYPE_CHECKING:
    from fastapi import Request
    from jinja2 import Environment

    from serve.access.principal import Principal
    from serve.page.desk import Desk

THEMES = ("dark", "light")


def render(desk: Desk, request: Request, template: str, *, who: Principal, **views: Any) -> HTMLResponse:  # noqa: ANN401 - whatever the template shows
    """One page of ours, with its headers."""
    theme = request.cookies.get("theme", "")
    content = (
        _environment()
        .get_template(template)
        .render(
            who=who,
            csrf=csrf_of(request),
            theme=theme if theme in THEMES else "",
            sign_out=desk.sign_out,
            may_review=who.may(Permission.REVIEW),
            may_read=who.may(Permission.READ),
            may_audit=who.may(Permission.AUDIT),
            **views,
        )
    )
    return HTMLResponse(content, headers=HEADERS)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("serve.page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters |= {"count": formats.count, "probability": formats.probability, "moment": _moment}
    made.globals |= {"assets": version(), "urgencies": URGENCIES, "disagreements": DISAGREEMENTS}
    return made


def _moment(time: str) -> str:
    """To the minute, as far as it is a time at all."""
    return time[:16].replace("T", " ")
