from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import (
    binary_sensitivity_at_specificity,
    binary_specificity_at_sensitivity,
)

from models.calibration import Calibration
from models.metrics.judged import Judged, judge
from models.metrics.points import point_figures
from models.metrics.resampling import draw_counts, interval, resample, two_sided_p
from models.metrics.weighted import weighted_figures

RULE = Calibration(temperature=1, threshold=0.4, min_confidence=0.7)


def _judged(classes: int, *, images: int = 150, levels: int = 19) -> Judged:
    """Noise that leans to the truth, rounded so that there are ties, but none on the edge of a bin."""
    draw = np.random.default_rng(classes)
    truth = np.concatenate([np.arange(classes), draw.integers(0, classes, images - classes)])
    logits = draw.normal(size=(images, classes)) + 1.5 * np.eye(classes)[truth]
    raised = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) * levels) / levels
    return judge(raised.astype(np.float32), truth, RULE, positive=1)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_figures_of_a_resample_are_those_that_the_libraries_find_in_its_images(classes: int) -> None:
    judged = _judged(classes)
    counts = next(draw_counts(judged.truth, seed=classes, resamples=6))
    fast = weighted_figures(judged, counts)
    for row, drawn in enumerate(counts):
        slow = point_figures(judged.of(np.repeat(np.arange(len(judged)), drawn)))
        assert slow.keys() == fast.keys()
        for name, value in slow.items():
            assert fast[name][row] == pytest.approx(value, abs=2e-6, nan_ok=True), name


def test_operating_points_are_those_of_torchmetrics() -> None:
    judged = _judged(2)
    scores, truth = torch.from_numpy(judged.probabilities[:, 1].copy()), torch.from_numpy(judged.truth)
    found = point_figures(judged)
    for point in (0.90, 0.95):
        sensitivity, _ = binary_sensitivity_at_specificity(scores, truth, min_specificity=point)
        specificity, _ = binary_specificity_at_sensitivity(scores, truth, min_sensitivity=point)
        assert found[f"sensitivity_at_specificity_{100 * point:.0f}"] == pytest.approx(float(sensitivity), abs=1e-6)
        assert found[f"specificity_at_sensitivity_{100 * point:.0f}"] == pytest.approx(float(specificity), abs=1e-6)


def test_each_class_is_drawn_as_often_as_the_set_has_it() -> None:
    truth = np.array([0, 1, 1, 2, 2, 2])
    counts = np.concatenate(list(draw_counts(truth, resamples=50)))
    assert counts.shape == (50, 6)
    for number in range(3):
        assert (counts[:, truth == number].sum(axis=1) == (truth == number).sum()).all()
    assert len(np.unique(counts, axis=0)) > 10


def test_large_sets_are_resampled_some_resamples_at_a_time() -> None:
    truth = np.arange(500_000) % 2
    parts = draw_counts(truth, resamples=10)
    assert next(parts).shape == (4, 500_000)


def test_counts_are_drawn_evenly() -> None:
    counts = np.concatenate(list(draw_counts(np.zeros(10, np.int64), seed=1, resamples=4000)))
    assert counts.mean(axis=0) == pytest.approx(np.ones(10), abs=0.06)
    assert counts.var() == pytest.approx(0.9, abs=0.05)  # binomial: 10 draws of share 0.1


def test_interval_of_a_mean_is_the_one_of_theory() -> None:
    values = np.random.default_rng(0).normal(size=400)

    def means(counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        return {"mean": counts @ values / len(values)}

    bounds = interval(resample(np.zeros(400, np.int64), means, seed=0)["mean"])
    assert bounds is not None
    assert bounds[1] - bounds[0] == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_interval_leaves_out_resamples_without_the_figure() -> None:
    assert interval(np.array([np.nan, 1.0, 1.0])) == (1, 1)
    assert interval(np.full(3, np.nan)) is None


def test_p_counts_the_resamples_on_the_other_side() -> None:
    assert two_sided_p(np.array([-1.0] + [1.0] * 98)) == pytest.approx(2 * 2 / 100)
    assert two_sided_p(np.array([1.0] * 99)) == pytest.approx(2 / 100)
    assert two_sided_p(np.zeros(99)) == 1
