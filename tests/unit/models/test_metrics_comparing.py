from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibration import Calibration
from models.metrics import compare, judge
from models.metrics.judged import Judged
from sievert.errors import LabelError

RULE = Calibration(temperature=1, threshold=0.5, min_confidence=0.8)
TRUTH = np.arange(300) % 2


def _model(skill: float, *, seed: int, truth: NDArray[np.int64] = TRUTH, classes: int = 2) -> Judged:
    logits = np.random.default_rng(seed).normal(size=(len(truth), classes)) + skill * np.eye(classes)[truth]
    raised = np.exp(logits)
    return judge((raised / raised.sum(axis=1, keepdims=True)).astype(np.float32), truth, RULE, positive=1)


def test_better_model_is_found_better_by_every_test() -> None:
    found = compare(_model(2.5, seed=1), _model(1.0, seed=2))
    for name in ("auroc", "accuracy", "accuracy_argmax", "delong"):
        assert 0 < found[name]["low"] < found[name]["difference"] < found[name]["high"]
        assert found[name]["difference"] == pytest.approx(found[name]["first"] - found[name]["second"])
        assert found[name]["p"] < 0.01
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_bootstrap_and_delong_agree_on_the_width_of_the_interval() -> None:
    found = compare(_model(1.5, seed=1), _model(1.3, seed=2))
    widths = [found[name]["high"] - found[name]["low"] for name in ("auroc", "delong")]
    assert widths[0] == pytest.approx(widths[1], rel=0.15)
    assert found["auroc"]["difference"] == pytest.approx(found["delong"]["difference"])


def test_equals_cannot_be_told_apart() -> None:
    found = compare(_model(1.5, seed=1), _model(1.5, seed=1))
    assert all(found[name]["p"] == 1 and found[name]["difference"] == 0 for name in ("auroc", "accuracy", "delong"))


def test_swapping_the_models_changes_the_sign_alone() -> None:
    one, other = _model(1.5, seed=1), _model(1.2, seed=2)
    forth, back = compare(one, other)["accuracy"], compare(other, one)["accuracy"]
    assert (back["difference"], back["low"], back["high"]) == pytest.approx(
        (-forth["difference"], -forth["high"], -forth["low"])
    )
    assert back["p"] == forth["p"]


def test_pairing_narrows_the_interval_of_models_that_err_on_the_same_images() -> None:
    one = _model(1.5, seed=1)
    near = judge(np.clip(one.probabilities * 0.98 + 0.01, 0, 1), TRUTH, RULE, positive=1)
    alike, apart = compare(one, near)["auroc"], compare(one, _model(1.5, seed=2))["auroc"]
    assert alike["high"] - alike["low"] < (apart["high"] - apart["low"]) / 4


def test_more_classes_are_compared_by_the_mean_area() -> None:
    truth = np.arange(240) % 3
    found = compare(_model(2, seed=1, truth=truth, classes=3), _model(1, seed=2, truth=truth, classes=3))
    assert found["auroc"]["low"] > 0
    assert found["auroc"]["first"] != found["delong"]["first"]


def test_models_of_other_images_are_not_compared() -> None:
    with pytest.raises(LabelError, match="same images"):
        compare(_model(1, seed=1), _model(1, seed=1, truth=1 - TRUTH))


def test_one_image_of_a_kind_has_no_delong() -> None:
    few = np.array([0, 0, 0, 1])
    assert compare(_model(1, seed=1, truth=few), _model(1, seed=2, truth=few))["delong"] is None
