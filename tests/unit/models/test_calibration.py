from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import ValidationError

from models.calibration import (
    Calibration,
    choose_confidence,
    choose_threshold,
    fit_calibration,
    fit_temperature,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _overconfident(factor: float, *, images: int = 4000) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits that are right in the log-odds sense, times a factor that the temperature must take out."""
    draw = np.random.default_rng(5)
    margin = draw.normal(0, 2, images)
    labels = (draw.random(images) < 1 / (1 + np.exp(-margin))).astype(np.int64)
    return (np.stack([np.zeros(images), margin], axis=1) * factor).astype(np.float32), labels


def _loss(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> float:
    calibration = Calibration(temperature=temperature, threshold=0.5, min_confidence=0.6)
    chosen = calibration.probabilities(logits)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-30)).mean())


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_temperature_takes_out_over_and_underconfidence(factor: float) -> None:
    assert fit_temperature(*_overconfident(factor)) == pytest.approx(factor, rel=0.1)


def test_temperature_lowers_the_loss_more_than_its_neighbours() -> None:
    logits, labels = _overconfident(3.0)
    fitted = fit_temperature(logits, labels)
    losses = [_loss(logits, labels, temperature) for temperature in (1.0, fitted * 0.95, fitted, fitted * 1.05)]
    assert min(losses) == losses[2]


def test_faultless_logits_keep_the_temperature_in_its_range() -> None:
    logits = np.array([[9, -9], [-9, 9]], dtype=np.float32)
    assert 0.05 <= fit_temperature(logits, np.array([0, 1])) <= 20


def test_threshold_lies_between_the_kinds_where_they_part() -> None:
    probability = np.array([0.1, 0.2, 0.7, 0.8, 0.9])
    truth = np.array([False, False, False, True, True])
    assert choose_threshold(probability, truth) == pytest.approx(0.75)


def test_threshold_does_not_move_with_prevalence() -> None:
    draw = np.random.default_rng(1)
    negative, positive = draw.beta(2, 5, 300), draw.beta(5, 2, 300)
    once = choose_threshold(np.append(negative, positive), np.repeat([False, True], 300))
    many = choose_threshold(
        np.append(np.tile(negative, 9), positive), np.append(np.zeros(2700, bool), np.ones(300, bool))
    )
    assert many == pytest.approx(once)


def test_confidence_is_the_smallest_at_which_decisions_are_right() -> None:
    probability = np.concatenate([np.linspace(0.8, 1, 199), [0.7, 0.65, 0.62]])
    truth = np.concatenate([np.ones(199, bool), [False, False, False]])
    # 199 of 201 are right down to 0.65, 199 of 202 with the last.
    assert choose_confidence(probability, truth, threshold=0.5) == pytest.approx(0.65)


def test_confidence_stays_in_its_range_whatever_the_split_says() -> None:
    truth = np.array([True, False])
    assert choose_confidence(np.array([0.51, 0.49]), truth, threshold=0.5) == 0.6
    assert choose_confidence(np.array([0.01, 0.99]), truth, threshold=0.5) == 0.95


def test_calibrated_probabilities_are_a_softmax_that_cannot_overflow() -> None:
    calibration = Calibration(temperature=2, threshold=0.5, min_confidence=0.6)
    probabilities = calibration.probabilities(np.array([[1e4, -1e4], [0, 0], [2, 0]], dtype=np.float32))
    assert probabilities.dtype == np.float32
    assert probabilities == pytest.approx(np.array([[1, 0], [0.5, 0.5], [0.7310586, 0.2689414]]))


def test_fitted_calibration_reads_the_named_class_as_positive() -> None:
    logits, labels = _overconfident(2.0)
    one, other = (fit_calibration(logits, labels, positive=positive) for positive in (0, 1))
    assert one.temperature == other.temperature
    assert one.threshold + other.threshold == pytest.approx(1, abs=0.02)


def test_impossible_calibrations_are_refused() -> None:
    with pytest.raises(ValidationError):
        Calibration(temperature=0, threshold=0.5, min_confidence=0.6)
    with pytest.raises(ValidationError):
        Calibration.model_validate({"temperature": 1, "threshold": 0.5, "min_confidence": 0.6, "extra": 1})
