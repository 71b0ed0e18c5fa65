"""Fills the templates of the sign-in page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: str) -> str:
    """One page.

    Args:
        template: Its file's name in `templates`.
        values: What it shows; escaped.
    """
    return _environment().get_template(template).render(**values)


@cache
def style() -> str:
    """The style sheet."""
    return _environment().get_template("sign-in.css").render()


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    # the house's colours lie with the screening report
    places = [PackageLoader("serve.access"), PackageLoader("pipelines.results.report")]
    return Environment(
        loader=ChoiceLoader(places), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
