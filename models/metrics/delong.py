"""DeLong's test: whether two AUROCs of the same images differ by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class DeLong:
    """Two correlated AUROCs.

    Attributes:
        aurocs: Of the first and of the second.
        variance: Of their difference.
    """

    aurocs: tuple[float, float]
    variance: float

    @property
    def difference(self) -> float:
        """First less second."""
        return self.aurocs[0] - self.aurocs[1]

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, from the normal distribution."""
        reach = _NORMAL_95 * math.sqrt(self.variance)
        return self.difference - reach, self.difference + reach

    @property
    def p(self) -> float:
        """Two-sided, of no difference; without any variance 1 where there is none and 0 where there is one."""
        if not self.variance:
            return float(not self.difference)
        return math.erfc(abs(self.difference) / math.sqrt(2 * self.variance))


def delong(first: NDArray[np.float32], second: NDArray[np.float32], positives: NDArray[np.bool_]) -> DeLong:
    """Compare two scores of the same images.

    Args:
        first: Shape [image].
        second: Shape [image].
        positives: Shape [image]; at least two of either kind, for fewer have no variance.

    Source: DeLong et al., "Comparing the areas under two or more correlated receiver operating characteristic
    curves", Biometrics 1988; by midranks as in Sun and Xu, "Fast implementation of DeLong's algorithm", IEEE Signal
    Processing Letters 2014.
    """
    placements = [_placements(scores, positives) for scores in (first, second)]
    of_positives, of_negatives = (np.stack([both[kind] for both in placements]) for kind in (0, 1))
    areas = of_positives.mean(axis=1)
    covariance = np.cov(of_positives) / of_positives.shape[1] + np.cov(of_negatives) / of_negatives.shape[1]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    tiny = 1e-15 * (covariance[0, 0] + covariance[1, 1])  # what rounding leaves of nothing
    return DeLong((float(areas[0]), float(areas[1])), float(variance) if variance > tiny else 0.0)


def midranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Ranks from 1, those that tie share the mean of theirs. Shape [value]."""
    _, place, often = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(often)
    return np.asarray((last - (often - 1) / 2)[place], dtype=np.float64)


def _placements(
    scores: NDArray[np.float32], positives: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each positive the share of negatives below it, and for each negative that of positives above it."""
    together = midranks(scores)
    above = (together[positives] - midranks(scores[positives])) / (~positives).sum()
    below = (together[~positives] - midranks(scores[~positives])) / positives.sum()
    return above, 1 - below
