"""Two models on the same images: by how much the first is better, and whether that is more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.metrics.delong import delong
from models.metrics.points import point_figures
from models.metrics.resampling import interval, resample, two_sided_p
from models.metrics.weighted import weighted_auroc
from sievert.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.metrics.judged import Judged

    Figures = dict[str, NDArray[np.float64]]

COMPARED = ("auroc", "accuracy", "accuracy_argmax")
"""Figures that two models are compared by."""

_FEWEST = 2


def compare(first: Judged, second: Judged, *, seed: int = 0) -> dict[str, Any]:
    """Compare two models on the same images, resampled for both alike.

    Args:
        first: What the one said.
        second: What the other said of the same images.
        seed: Of the bootstrap.

    Returns:
        For each of `auroc`, `accuracy`, `accuracy_argmax`: `first`, `second`, `difference` (first less second), `low`
        and `high` (bounds of its 95 % interval over resampled images) and `p` (two-sided). Under `delong`, of the
        positive class against all others: the same; None where there are fewer than two images of either kind.

    Raises:
        LabelError: They were not measured on the same images, or those are all of one kind.
    """
    if first.positive != second.positive or not np.array_equal(first.truth, second.truth):
        raise LabelError("two models can only be compared on the same images with the same labels")
    if not first.measurable:
        raise LabelError("a set to compare with needs images of both kinds")
    points = point_figures(first), point_figures(second)
    spread = resample(first.truth, _differences(first, second), seed=seed)
    figures = {name: _described(points[0][name], points[1][name], spread[name]) for name in COMPARED}
    return {**figures, "delong": _delong(first, second)}


def _differences(first: Judged, second: Judged) -> Callable[[NDArray[np.int64]], Figures]:
    called = (first.called == first.truth).astype(np.float64) - (second.called == second.truth)
    likeliest = (first.likeliest == first.truth).astype(np.float64) - (second.likeliest == second.truth)

    def differences(counts: NDArray[np.int64]) -> Figures:
        return {
            "auroc": weighted_auroc(first, counts) - weighted_auroc(second, counts),
            "accuracy": counts @ called / len(first),
            "accuracy_argmax": counts @ likeliest / len(first),
        }

    return differences


def _described(first: float, second: float, spread: NDArray[np.float64]) -> dict[str, float | None]:
    low, high = interval(spread) or (None, None)
    both = {"first": first, "second": second, "difference": first - second}
    return {**both, "low": low, "high": high, "p": two_sided_p(spread)}


def _delong(first: Judged, second: Judged) -> dict[str, float] | None:
    positives = first.positives
    if min(positives.sum(), (~positives).sum()) < _FEWEST:
        return None
    found = delong(first.probabilities[:, first.positive], second.probabilities[:, first.positive], positives)
    low, high = found.interval
    both = {"first": found.aurocs[0], "second": found.aurocs[1], "difference": found.difference}
    return {**both, "low": low, "high": high, "p": found.p}
