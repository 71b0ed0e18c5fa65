from __future__ import annotations

import numpy as np
import pytest

from models.calibration import Calibration
from models.metrics import auroc, measure
from sievert.errors import LabelError

RULE = Calibration(temperature=1, threshold=0.6, min_confidence=0.8)
PROBABILITY = np.array([0.05, 0.3, 0.7, 0.55, 0.9, 0.95], np.float32)
TRUTH = np.array([False, False, False, True, True, True])


def test_figures_equal_those_counted_by_hand() -> None:
    measured = measure(PROBABILITY, TRUTH, RULE)
    assert measured["confusion"] == {"tn": 2, "fp": 1, "fn": 1, "tp": 2}
    assert measured["accuracy"] == pytest.approx(4 / 6)
    assert (measured["sensitivity"], measured["specificity"]) == pytest.approx((2 / 3, 2 / 3))
    assert measured["f1"] == pytest.approx(2 / 3)
    assert measured["auroc"] == pytest.approx(8 / 9)
    assert measured["brier"] == pytest.approx(np.mean((PROBABILITY - TRUTH) ** 2))


def test_only_confident_decisions_count_as_decided() -> None:
    measured = measure(PROBABILITY, TRUTH, RULE)
    assert measured["decided"] == pytest.approx(3 / 6)
    assert measured["decided_accuracy"] == 1
    unsure = measure(PROBABILITY, TRUTH, RULE.model_copy(update={"min_confidence": 1.0}))
    assert (unsure["decided"], unsure["decided_accuracy"]) == (0, None)


def test_ties_count_half_in_the_area() -> None:
    assert auroc(np.full(4, 0.5, np.float32), np.array([True, False, True, False])) == pytest.approx(0.5)


def test_interval_holds_the_figure_and_narrows_with_more_images() -> None:
    draw = np.random.default_rng(2)
    widths = []
    for images in (40, 1000):
        truth = np.arange(images) % 2 == 0
        probability = np.clip(draw.normal(0.4 + 0.2 * truth, 0.15), 0, 1).astype(np.float32)
        measured = measure(probability, truth, RULE)
        assert measured["auroc_low"] < measured["auroc"] < measured["auroc_high"]
        assert measured["accuracy_low"] < measured["accuracy"] < measured["accuracy_high"]
        widths.append(measured["auroc_high"] - measured["auroc_low"])
    assert widths[1] < widths[0] / 2


def test_probabilities_that_come_true_have_a_small_calibration_error() -> None:
    draw = np.random.default_rng(3)
    probability = draw.random(5000).astype(np.float32)
    honest = draw.random(5000) < probability
    assert measure(probability, honest, RULE)["ece"] < 0.03
    assert measure(probability**4, honest, RULE)["ece"] > 0.2


def test_same_seed_gives_the_same_interval() -> None:
    assert measure(PROBABILITY, TRUTH, RULE, seed=4) == measure(PROBABILITY, TRUTH, RULE, seed=4)


def test_set_of_one_kind_is_refused() -> None:
    with pytest.raises(LabelError):
        measure(PROBABILITY, np.ones(6, bool), RULE)
