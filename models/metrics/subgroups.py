"""The same figures for parts of a set: where a model does worse than its mean tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.metrics.resampling import interval, resample
from models.metrics.weighted import weighted_auroc, weighted_calls
from sievert.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from models.metrics.judged import Judged

    Tables = dict[str, list[dict[str, Any]]]

FEWEST = 10
"""Images below which a group's figures would only be noise."""

MOST_GROUPS = 12
"""Values of a column that are shown apart; numbers with more are cut at their quartiles."""

_NONE, _EMPTY = "(none)", frozenset({"", "nan"})

FIGURES = ("auroc", "accuracy", "sensitivity", "specificity")
"""What is told of a group."""


def measure_subgroups(judged: Judged, columns: Mapping[str, NDArray[Any]], *, seed: int = 0) -> Tables:
    """A table for each column.

    Args:
        judged: The whole set.
        columns: Shape [image] each, by name; text or numbers.
        seed: Of the bootstrap.

    Returns:
        By column a list of groups: `group` (its value or range), `images`, `positives` and, each with `_low` and
        `_high`, `auroc`, `accuracy`, `sensitivity`, `specificity`; instead of these `note`, why there are none.

    Raises:
        LabelError: A column does not have one value an image.
    """
    for name, values in columns.items():
        if len(values) != len(judged):
            raise LabelError(f"the column {name!r} has {len(values)} values for {len(judged)} images")
    return {
        name: [{"group": group, **_measure(judged.of(chosen), seed=seed)} for group, chosen in split_column(values)]
        for name, values in columns.items()
    }


def split_column(values: NDArray[Any]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Groups of a column: its values where they are few, the quartiles of numbers, else the most frequent values.

    Args:
        values: Shape [image].

    Yields:
        A group's name and whether each image is in it; an image is in exactly one.
    """
    numbers = _as_numbers(values)
    words = np.array(
        [_NONE if str(value).strip().lower() in _EMPTY else str(value).strip() for value in values.tolist()]
    )
    if numbers is not None and len(np.unique(words)) > MOST_GROUPS:
        yield from _quartiles(numbers)
    else:
        yield from _values(words)


def _as_numbers(values: NDArray[Any]) -> NDArray[np.float64] | None:
    """Numbers, an empty field as NaN; None where a value is none, and where all are empty."""
    try:
        numbers = np.array([float(value) if str(value).strip() else np.nan for value in values.tolist()])
    except (TypeError, ValueError):
        return None
    return numbers if np.isfinite(numbers).any() else None


def _quartiles(numbers: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], [0, 0.25, 0.5, 0.75, 1]))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(len(edges) - 2, 0))
    for number, low in enumerate(edges[:-1]):
        last = number == len(edges) - 2
        yield f"{low:g} to {'' if last else 'below '}{edges[number + 1]:g}", known & (place == number)
    if not known.all():
        yield _NONE, ~known


def _values(values: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    distinct, often = np.unique(values, return_counts=True)
    kept = sorted(distinct[np.argsort(-often, kind="stable")][:MOST_GROUPS].tolist())
    for value in kept:
        yield value, values == value
    if len(distinct) > len(kept):
        yield f"{len(distinct) - len(kept)} other values", ~np.isin(values, kept)


def _measure(group: Judged, *, seed: int) -> dict[str, Any]:
    counts: dict[str, Any] = {"images": len(group), "positives": int(group.positives.sum())}
    if len(group) < FEWEST:
        return {**counts, "note": f"too few: below {FEWEST} images"}
    if not group.measurable:
        return {**counts, "note": "too few: one class only"}
    spread = resample(group.truth, lambda drawn: _figures(group, drawn), seed=seed)
    points = {name: float(values[0]) for name, values in _figures(group, np.ones((1, len(group)), np.int64)).items()}
    for name, point in points.items():
        low, high = interval(spread[name]) or (None, None)
        counts |= {name: point, f"{name}_low": low, f"{name}_high": high}
    return counts


def _figures(group: Judged, counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    calls = weighted_calls(group, group.called, counts.astype(np.float64))
    return {"auroc": weighted_auroc(group, counts), **{name: calls[name] for name in FIGURES[1:]}}
