"""How the probabilities of the positive class are spread, and where the decisions lie among them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipelines.results.report import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGARITHMIC_FROM = 200
"""The fullest bin over the emptiest that is not empty, from which on a linear scale would hide the small ones."""

_MOST_TICKS = 5
_FLOOR = 0.5
"""Decades below 1 that a logarithmic axis begins at, so that a count of 1 has a height."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin: its range and count as text, its left edge, width and height in percent of the plot."""

    low: str
    high: str
    count: str
    start: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot: its label, and its height in percent of the plot."""

    label: str
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """The plot.

    Attributes:
        bars: From probability 0 to 1.
        ticks: Of the axis of counts, from the bottom.
        logarithmic: Whether that axis is.
        threshold: In percent of the plot, and as text.
        uncertain: Edges of the zone in which nothing is decided, in percent of the plot; None where there is none.
        zone: The same edges as text.
    """

    bars: list[Bar]
    ticks: list[Tick]
    logarithmic: bool
    threshold: tuple[float, str]
    uncertain: tuple[float, float] | None
    zone: tuple[str, str]


def describe_probabilities(manifest: dict[str, Any]) -> Histogram:
    """The plot of a run manifest's counts."""
    counts, rule = manifest["counts"]["histogram"], manifest["header"]["decision"]
    logarithmic = _spread(counts) >= LOGARITHMIC_FROM
    values = _logarithmic_ticks(max(counts)) if logarithmic else _linear_ticks(max(counts))
    top = max(counts) if logarithmic else values[-1]
    edges = uncertain_zone(threshold=rule["threshold"], min_confidence=rule["min_confidence"])
    return Histogram(
        bars=_bars(counts, top=top, logarithmic=logarithmic),
        ticks=[Tick(formats.compact(value), _height(value, top=top, logarithmic=logarithmic)) for value in values],
        logarithmic=logarithmic,
        threshold=(round(100 * rule["threshold"], 3), formats.probability(rule["threshold"])),
        uncertain=(round(100 * edges[0], 3), round(100 * edges[1], 3)) if edges[0] < edges[1] else None,
        zone=(formats.probability(edges[0]), formats.probability(edges[1])),
    )


def uncertain_zone(*, threshold: float, min_confidence: float) -> tuple[float, float]:
    """The probabilities between which `pipelines.decide.decide` calls an image uncertain; equal where there are none.

    They are 1 - min_confidence and min_confidence, unless the threshold lies outside: then the zone reaches to it.

    Args:
        threshold: Positive from it on, 0 to 1.
        min_confidence: Of what would be decided, 0 to 1.
    """
    return min(1 - min_confidence, threshold), max(min_confidence, threshold)


def _bars(counts: Sequence[int], *, top: int, logarithmic: bool) -> list[Bar]:
    edges = [round(place / len(counts), 6) for place in range(len(counts) + 1)]
    return [
        Bar(
            low=f"{low:.2f}",
            high=f"{high:.2f}",
            count=formats.count(number),
            start=round(100 * low, 3),
            width=round(100 * (high - low), 3),
            height=_height(number, top=top, logarithmic=logarithmic),
        )
        for (low, high), number in zip(pairwise(edges), counts, strict=True)
    ]


def _height(number: int, *, top: int, logarithmic: bool) -> float:
    if not number:
        return 0.0
    height = (math.log10(number) + _FLOOR) / (math.log10(top) + _FLOOR) if logarithmic else number / top
    return round(100 * height, 3)


def _spread(counts: Sequence[int]) -> float:
    filled = [number for number in counts if number]
    return max(filled) / min(filled) if filled else 0


def _linear_ticks(most: int) -> list[int]:
    steps = (factor * 10**power for power in range(20) for factor in (1, 2, 5))
    step = next(step for step in steps if most <= step * _MOST_TICKS)
    return [step * number for number in range(max(1, math.ceil(most / step)) + 1)]


def _logarithmic_ticks(most: int) -> list[int]:
    return [10**power for power in range(len(str(most)))]
