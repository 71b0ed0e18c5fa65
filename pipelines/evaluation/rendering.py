"""Fills the templates of this room's pages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sievert import __version__

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """One page; the same values give the same text.

    Args:
        template: Its file's name in `templates`.
        values: What it shows; Sievert's version is added as `sievert`.
    """
    return _environment().get_template(template).render(sievert=__version__, **values)


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    # the house's style sheet lies with the screening report
    places = [PackageLoader("pipelines.evaluation"), PackageLoader("pipelines.results.report")]
    return Environment(
        loader=ChoiceLoader(places),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
