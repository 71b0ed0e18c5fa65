"""Where the planned inputs ended, as parts of one bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.results.report import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_WIDTH = 0.8
"""Percent of the bar that any part takes which is not empty, so that three in a million can still be seen."""

_PARTS = (
    ("negative", "Screened: negative", "The model is confident that what it looks for is not there."),
    ("positive", "Screened: positive", "The model is confident that what it looks for is there. A person must look."),
    ("uncertain", "Screened: uncertain", "The model is not confident enough to decide. A person must look."),
    ("quarantined", "Quarantined", "Refused with a reason, so not screened at all."),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bar.

    Attributes:
        key: Decision, or `quarantined`.
        name: For the reader.
        note: What it means.
        count: Inputs, as text.
        share: Of what was planned, as text.
        start: Percent of the bar.
        width: Percent of the bar; 0 where there are none.
    """

    key: str
    name: str
    note: str
    count: str
    share: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The bar.

    Attributes:
        parts: From left to right.
        total: What was planned, as text.
        widened: Whether a part is drawn wider than it is.
    """

    parts: list[Part]
    total: str
    widened: bool


def describe_outcomes(manifest: dict[str, Any]) -> Outcomes:
    """The bar of a run manifest's counts."""
    numbers = [*_decided(manifest["counts"]), manifest["counts"]["quarantined"]]
    planned = manifest["header"]["planned"]
    widths = _widths(numbers)
    parts = [
        Part(*named, formats.count(number), formats.share(number, planned), round(sum(widths[:place]), 3), width)
        for place, (named, number, width) in enumerate(zip(_PARTS, numbers, widths, strict=True))
    ]
    widened = any(0 < 100 * number < LEAST_WIDTH * sum(numbers) for number in numbers)
    return Outcomes(parts, formats.count(planned), widened)


def find_mismatches(manifest: dict[str, Any]) -> list[str]:
    """Where the manifest's counts contradict one another, a sentence each; none is how it must be."""
    counts, planned = manifest["counts"], manifest["header"]["planned"]
    negative, positive, uncertain = _decided(counts)
    sums = (
        ("screened and quarantined", counts["screened"] + counts["quarantined"], "planned", planned),
        ("negative, positive and uncertain", negative + positive + uncertain, "screened", counts["screened"]),
        ("positive and uncertain", positive + uncertain, "flagged", counts["flagged"]),
        ("the reasons of quarantine", sum(counts["reasons"].values()), "quarantined", counts["quarantined"]),
        ("the probabilities counted", sum(counts["histogram"]), "screened", counts["screened"]),
    )
    return [
        f"{what.capitalize()} add up to {formats.count(found)}, but {formats.count(wanted)} are {name}."
        for what, found, name, wanted in sums
        if found != wanted
    ]


def _decided(counts: dict[str, Any]) -> list[int]:
    return [counts["decisions"].get(key, 0) for key, *_ in _PARTS[:-1]]


def _widths(numbers: Sequence[int]) -> list[float]:
    total = sum(numbers)
    wide = [max(100 * number / total, LEAST_WIDTH) if number else 0.0 for number in numbers]
    return [round(100 * width / sum(wide), 3) if width else 0.0 for width in wide]
