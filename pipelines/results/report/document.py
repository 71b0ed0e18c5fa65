"""Puts the report together: views of the manifest, poured into one template."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines.results.report import formats
from pipelines.results.report.histogram import describe_probabilities
from pipelines.results.report.outcomes import describe_outcomes, find_mismatches
from pipelines.results.report.provenance import describe_anchor, describe_provenance
from pipelines.results.report.refused import describe_refused
from pipelines.results.report.timing import describe_timing, speed
from pipelines.results.runmanifest import MANIFEST_SCHEMA
from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from pipelines.results.report.case import Case

_TEMPLATE = "report.html.jinja"


def render_report(manifest: dict[str, Any], *, anchor: dict[str, Any] | None = None, cases: Sequence[Case] = ()) -> str:
    """One HTML file that loads nothing: no network, no script, no font. The same arguments give the same text.

    Without `cases` it holds no picture, no record's id and no pseudonym.

    Args:
        manifest: As `pipelines.results.runmanifest.describe_run` returns it.
        anchor: Content of anchor.json; left out before the job is anchored.
        cases: Images to show, in this order; a report that has any says at its top that it holds patient data.

    Raises:
        IntegrityError: The manifest or the anchor is not one of ours.
    """
    try:
        views = _describe(manifest, anchor)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise IntegrityError("manifest.json or anchor.json is not as Sievert writes it") from error
    return _environment().get_template(_TEMPLATE).render(**views, **_show(cases))


def _describe(manifest: dict[str, Any], anchor: dict[str, Any] | None) -> dict[str, Any]:
    if manifest["schema"] != MANIFEST_SCHEMA:
        raise ValueError("another schema")
    header = manifest["header"]
    return {
        "job": manifest["job"],
        "model": header["model"],
        "positive": header["decision"]["labels"][header["decision"]["positive"]],
        "sievert": header["sievert"],
        "finished": formats.instant(manifest["run"]["finished"]),
        "planned": header["planned"],
        "screened": manifest["counts"]["screened"],
        "tiles": _tiles(manifest),
        "outcomes": describe_outcomes(manifest),
        "mismatches": find_mismatches(manifest),
        "histogram": describe_probabilities(manifest),
        "families": describe_refused(manifest),
        "timing": describe_timing(manifest),
        "provenance": describe_provenance(manifest),
        "anchor": describe_anchor(anchor) if anchor else [],
        "anchor_note": anchor["note"] if anchor else "",
    }


def _tiles(manifest: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Headline numbers: name, value, and what it means."""
    counts, planned, workers = manifest["counts"], manifest["header"]["planned"], manifest["run"]["workers"]
    screened, quarantined = counts["screened"], counts["quarantined"]
    about_speed = f"with {formats.count(workers)} worker{'' if workers == 1 else 's'}" if workers else "no run needed"
    about_flagged = f"{formats.share(counts['flagged'], screened)} of screened" if screened else "none screened"
    return [
        ("Planned", formats.count(planned), "in the frozen plan"),
        ("Screened", formats.count(screened), f"{formats.share(screened, planned)} of planned"),
        ("Flagged", formats.count(counts["flagged"]), about_flagged),
        ("Quarantined", formats.count(quarantined), f"{formats.share(quarantined, planned)} of planned"),
        ("Images/s", speed(manifest), about_speed),
    ]


def _show(cases: Sequence[Case]) -> dict[str, Any]:
    if not cases:
        return {"cases": [], "scale": ""}
    from pipelines.results.report.pictures import show_case, show_scale

    return {"cases": [show_case(case) for case in cases], "scale": show_scale()}


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("pipelines.results.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
