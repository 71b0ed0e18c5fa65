from __future__ import annotations

import json
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibration import Calibration
from models.metrics import auroc, judge, measure
from models.metrics.points import point_figures
from sievert.errors import LabelError

RULE = Calibration(temperature=1, threshold=0.6, min_confidence=0.8)
PROBABILITY = np.array([0.05, 0.3, 0.7, 0.55, 0.9, 0.95], np.float32)
TRUTH = np.array([0, 0, 0, 1, 1, 1])

THREE = np.array(
    [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7], [0.35, 0.4, 0.25]], np.float32
)
THREE_TRUTH = np.array([0, 0, 1, 1, 2, 2])


def _both(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([1 - probability, probability], axis=1)


def test_figures_equal_those_counted_by_hand() -> None:
    measured = measure(_both(PROBABILITY), TRUTH, RULE, positive=1)
    assert measured["confusion"] == {"tn": 2, "fp": 1, "fn": 1, "tp": 2}
    assert measured["confusion_matrix"] == [[2, 1], [1, 2]]
    for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "precision", "recall", "f1"):
        assert measured[name] == pytest.approx(2 / 3), name
    assert measured["accuracy_argmax"] == pytest.approx(5 / 6)
    assert measured["auroc"] == pytest.approx(8 / 9)
    assert measured["auprc"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert measured["brier"] == pytest.approx(np.mean((PROBABILITY - TRUTH) ** 2))


def test_operating_points_equal_those_read_off_the_curve() -> None:
    measured = measure(_both(PROBABILITY), TRUTH, RULE, positive=1)
    assert measured["sensitivity_at_specificity_90"] == pytest.approx(2 / 3)  # from 0.9 on, no negative is called
    assert measured["specificity_at_sensitivity_95"] == pytest.approx(2 / 3)  # from 0.55 on, one negative is


def test_specificity_of_exactly_the_share_asked_for_counts() -> None:
    truth = np.array([0] * 10 + [1])
    scores = np.array([0.1] * 9 + [0.9, 0.5], np.float32)  # nine of ten negatives lie below the positive
    assert measure(_both(scores), truth, RULE, positive=1)["sensitivity_at_specificity_90"] == 1


def test_positive_class_may_be_the_first() -> None:
    mirrored = measure(_both(PROBABILITY)[:, ::-1], 1 - TRUTH, RULE, positive=0)
    plain = measure(_both(PROBABILITY), TRUTH, RULE, positive=1)
    for name in ("auroc", "auprc", "sensitivity", "specificity", "f1", "brier", "ece", "decided"):
        assert mirrored[name] == pytest.approx(plain[name]), name


def test_three_classes_are_told_as_means_over_one_against_the_rest() -> None:
    measured = measure(THREE, THREE_TRUTH, RULE.model_copy(update={"threshold": 0.3}), positive=2)
    assert measured["confusion_matrix"] == [[2, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert measured["accuracy"] == pytest.approx(4 / 6)
    assert measured["accuracy_argmax"] == pytest.approx(5 / 6)
    assert measured["auroc"] == pytest.approx((1 + 15 / 16 + 14 / 16) / 3)
    assert measured["auroc"] == pytest.approx(np.mean([one["auroc"] for one in measured["per_class"]]))
    assert [one["images"] for one in measured["per_class"]] == [2, 2, 2]
    assert measured["per_class"][0]["f1"] == 1
    assert measured["f1_macro"] == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    errors = (THREE - np.eye(3)[THREE_TRUTH]) ** 2
    assert measured["brier"] == pytest.approx(errors.sum(axis=1).mean())


def test_class_without_an_image_has_no_figures_and_spoils_no_mean() -> None:
    measured = measure(THREE[:4], THREE_TRUTH[:4], RULE, positive=1)
    assert measured["per_class"][2]["images"] == 0
    assert measured["per_class"][2]["auroc"] is None
    assert measured["auroc"] == pytest.approx(np.mean([one["auroc"] for one in measured["per_class"][:2]]))


def test_every_figure_has_an_interval_that_json_can_hold() -> None:
    measured = measure(_both(PROBABILITY), TRUTH, RULE.model_copy(update={"min_confidence": 1.0}), positive=1)
    assert json.loads(json.dumps(measured, allow_nan=False)) == measured
    for name in ("auroc", "auprc", "f1_macro", "ece", "brier", "specificity_at_sensitivity_90", "accuracy_argmax"):
        assert 0 <= measured[f"{name}_low"] <= measured[f"{name}_high"] <= 1


def test_only_confident_decisions_count_as_decided() -> None:
    measured = measure(_both(PROBABILITY), TRUTH, RULE, positive=1)
    assert measured["decided"] == pytest.approx(3 / 6)
    assert measured["decided_accuracy"] == 1
    unsure = measure(_both(PROBABILITY), TRUTH, RULE.model_copy(update={"min_confidence": 1.0}), positive=1)
    assert (unsure["decided"], unsure["decided_accuracy"], unsure["decided_accuracy_low"]) == (0, None, None)


def test_ties_count_half_in_the_area() -> None:
    assert auroc(np.full(4, 0.5, np.float32), np.array([True, False, True, False])) == pytest.approx(0.5)


def test_interval_holds_the_figure_and_narrows_with_more_images() -> None:
    draw = np.random.default_rng(2)
    widths = []
    for images in (40, 1000):
        truth = np.arange(images) % 2
        probability = np.clip(draw.normal(0.4 + 0.2 * truth, 0.15), 0, 1).astype(np.float32)
        measured = measure(_both(probability), truth, RULE, positive=1)
        assert measured["auroc_low"] < measured["auroc"] < measured["auroc_high"]
        assert measured["accuracy_low"] < measured["accuracy"] < measured["accuracy_high"]
        widths.append(measured["auroc_high"] - measured["auroc_low"])
    assert widths[1] < widths[0] / 2


def test_probabilities_that_come_true_have_a_small_calibration_error() -> None:
    draw = np.random.default_rng(3)
    probability = draw.random(2000).astype(np.float32)
    honest = (draw.random(2000) < probability).astype(np.int64)
    assert point_figures(judge(_both(probability), honest, RULE, positive=1))["ece"] < 0.04
    assert point_figures(judge(_both(probability**4), honest, RULE, positive=1))["ece"] > 0.2


def test_same_seed_gives_the_same_interval() -> None:
    first, again = (measure(_both(PROBABILITY), TRUTH, RULE, positive=1, seed=4) for _ in range(2))
    assert first == again


def test_measuring_a_test_split_takes_well_below_a_second() -> None:
    draw = np.random.default_rng(5)
    truth = (draw.random(624) < 0.6).astype(np.int64)
    probability = np.clip(draw.normal(0.3 + 0.4 * truth, 0.2), 0, 1).astype(np.float32)
    measure(_both(PROBABILITY), TRUTH, RULE, positive=1)  # the libraries are imported
    began = time.process_time()
    measure(_both(probability), truth, RULE, positive=1)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("truth", [np.ones(6, np.int64), np.zeros(6, np.int64)])
def test_set_of_one_kind_is_refused(truth: NDArray[np.int64]) -> None:
    with pytest.raises(LabelError, match="both kinds"):
        measure(_both(PROBABILITY), truth, RULE, positive=1)


@pytest.mark.parametrize("truth", [np.array([0, 1]), np.array([0, 1, 2, 0, 1, 0]), np.array([0, 1, -1, 0, 1, 0])])
def test_labels_that_fit_no_probabilities_are_refused(truth: NDArray[np.int64]) -> None:
    with pytest.raises(LabelError):
        measure(_both(PROBABILITY), truth, RULE, positive=1)
