"""Bootstrap: how often each image is drawn in each resample, and intervals of what that gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Figures = dict[str, NDArray[np.float64]]

RESAMPLES = 1000
"""Bootstrap resamples behind an interval."""

_AT_ONCE = 2_000_000
"""Counts held at a time; a million images must not take a thousand times their memory."""


def draw_counts(truth: NDArray[np.int64], *, seed: int = 0, resamples: int = RESAMPLES) -> Iterator[NDArray[np.int64]]:
    """Draw resamples with replacement, each class apart, so that each has every class as often as the set.

    Args:
        truth: Shape [image], class numbers.
        seed: Same seed, same resamples.
        resamples: How many.

    Yields:
        Shape [resample, image], how often an image is drawn; some resamples at a time.

    Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 8 (several samples).
    """
    draw = np.random.default_rng(seed)
    members = [np.flatnonzero(truth == number) for number in np.unique(truth)]
    step = max(1, _AT_ONCE // max(1, len(truth)))
    for start in range(0, resamples, step):
        counts = np.zeros((min(step, resamples - start), len(truth)), np.int64)
        for images in members:
            counts[:, images] = _count_draws(draw, len(images), resamples=len(counts))
        yield counts


def resample(
    truth: NDArray[np.int64], figures: Callable[[NDArray[np.int64]], Figures], *, seed: int, resamples: int = RESAMPLES
) -> Figures:
    """Figures of each resample, by name, shape [resample].

    Args:
        truth: Shape [image], class numbers.
        figures: From counts, shape [resample, image], to figures by name, shape [resample].
        seed: Of the draws.
        resamples: How many.
    """
    parts = [figures(counts) for counts in draw_counts(truth, seed=seed, resamples=resamples)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 95 % percentile interval; None where no resample has the figure.

    Args:
        values: Shape [resample]; NaN where a resample does not have it.
    """
    there = values[~np.isnan(values)]
    if not len(there):
        return None
    low, high = np.percentile(there, [2.5, 97.5])
    return float(low), float(high)


def two_sided_p(differences: NDArray[np.float64]) -> float:
    """How often a resample's difference lies on the other side of 0, doubled; at least 2 / (resamples + 1).

    Args:
        differences: Shape [resample].

    Source: Davison and Hinkley, "Bootstrap methods and their application", 1997, section 4.2 (the added 1).
    """
    least = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (least + 1) / (len(differences) + 1))


def _count_draws(draw: np.random.Generator, images: int, *, resamples: int) -> NDArray[np.int64]:
    drawn = draw.integers(0, images, (resamples, images))
    drawn += images * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * images).reshape(resamples, images)
