"""Writes a package's card from what was measured, so that no figure in it is typed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.calibration import Calibration
    from models.metadata import Metadata
    from models.recipe import Recipe

_TEMPLATE = Path(__file__).parent / "card.md.jinja"


def write_card(
    metadata: Metadata,
    recipe: Recipe,
    calibration: Calibration,
    metrics: dict[str, dict[str, Any]],
    provenance: dict[str, Any],
) -> str:
    """The card as Markdown.

    Args:
        metadata: Of the package.
        recipe: Of the package.
        calibration: Of the package.
        metrics: What `models.metrics.measure` gave for `validation`, `test` and, where there is one, `external`.
        provenance: What the package was made from, and how.

    Source: Mitchell et al., "Model cards for model reporting", FAT* 2019.
    """
    import jinja2

    # The card is Markdown made from our own records; escaping for HTML would only spoil it.
    environment = jinja2.Environment(  # noqa: S701 - no HTML
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(
        metadata=metadata, recipe=recipe, calibration=calibration, metrics=metrics, provenance=provenance
    )
