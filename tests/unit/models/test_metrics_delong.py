from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.metrics.delong import delong, midranks

POSITIVES = np.array([True, True, False, False])
ONE = np.array([0.8, 0.4, 0.5, 0.1], np.float32)
OTHER = np.array([0.9, 0.8, 0.2, 0.1], np.float32)


def test_midranks_share_the_mean_of_their_places() -> None:
    assert midranks(np.array([3, 1, 3, 2, 3], np.float32)).tolist() == [4, 1, 4, 2, 4]


def test_small_case_equals_the_one_done_by_hand() -> None:
    # ONE: of the positives, 0.8 is above both negatives and 0.4 above one; of the negatives, 0.5 is below one positive
    # and 0.1 below both: placements 1, 1/2 and 1/2, 1. OTHER parts them wholly: placements 1 everywhere.
    # Variance of 1 and 1/2 with n - 1: 1/8; over two images 1/16; positives and negatives together 1/8.
    found = delong(ONE, OTHER, POSITIVES)
    assert found.aurocs == (0.75, 1.0)
    assert found.variance == pytest.approx(1 / 8)
    assert found.p == pytest.approx(math.erfc(0.25 / math.sqrt(1 / 8) / math.sqrt(2)))
    assert found.interval == pytest.approx((-0.25 - 1.96 * math.sqrt(1 / 8), -0.25 + 1.96 * math.sqrt(1 / 8)), abs=1e-4)


def _kernel(high: NDArray[np.float32], low: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray((high[:, None] > low) + 0.5 * (high[:, None] == low))


def _brute(first: NDArray[np.float32], second: NDArray[np.float32], positives: NDArray[np.bool_]) -> list[float]:
    """Every pair of a positive and a negative compared, as the paper of 1988 has it."""
    psi = [_kernel(scores[positives], scores[~positives]) for scores in (first, second)]
    difference = psi[0] - psi[1]
    of_positives, of_negatives = difference.mean(axis=1), difference.mean(axis=0)
    variance = of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives)
    return [psi[0].mean(), psi[1].mean(), variance]


@pytest.mark.parametrize("seed", range(5))
def test_midranks_give_what_comparing_every_pair_gives(seed: int) -> None:
    draw = np.random.default_rng(seed)
    positives = np.arange(60) % 3 == 0
    first = np.round(draw.normal(positives * 0.8), 1).astype(np.float32)  # rounded: with ties
    second = np.round(first + draw.normal(size=60), 1).astype(np.float32)
    found = delong(first, second, positives)
    assert [*found.aurocs, found.variance] == pytest.approx(_brute(first, second, positives))


def test_a_model_does_not_differ_from_itself() -> None:
    found = delong(ONE, ONE, POSITIVES)
    assert (found.difference, found.p, found.interval) == (0, 1, (0, 0))


def test_two_certain_but_opposite_models_differ_beyond_doubt() -> None:
    assert delong(OTHER, 1 - OTHER, POSITIVES).p == 0


def test_where_nothing_differs_one_test_in_twenty_says_so() -> None:
    draw = np.random.default_rng(11)
    positives = np.arange(100) % 2 == 0
    said = []
    for _ in range(600):
        first, second = (draw.normal(positives).astype(np.float32) for _ in range(2))
        said.append(delong(first, second, positives).p < 0.05)
    assert 0.02 < np.mean(said) < 0.085
