from __future__ import annotations

import numpy as np
import pytest

from models.calibration import Calibration
from models.metrics import judge, measure, measure_subgroups
from models.metrics.subgroups import split_column
from sievert.errors import LabelError

RULE = Calibration(temperature=1, threshold=0.5, min_confidence=0.8)
IMAGES = 80
TRUTH = np.arange(IMAGES) % 2
DEVICE = np.array(["A"] * 40 + ["B"] * 32 + ["C"] * 5 + ["D"] * 3)


def _probability() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    noise = np.random.default_rng(0).normal(size=IMAGES)
    lean = np.where(DEVICE == "A", 3, 0.5) * (TRUTH - 0.5)
    probability = 1 / (1 + np.exp(-(lean + noise)))
    return np.stack([1 - probability, probability], axis=1).astype(np.float32)


def test_group_has_the_figures_of_its_images_alone() -> None:
    chosen = DEVICE == "A"
    alone = measure(_probability()[chosen], TRUTH[chosen], RULE, positive=1)
    table = measure_subgroups(judge(_probability(), TRUTH, RULE, positive=1), {"device": DEVICE})["device"]
    assert [row["group"] for row in table] == ["A", "B", "C", "D"]
    for name in ("images", "positives", "auroc", "auroc_low", "accuracy", "sensitivity_high", "specificity"):
        assert table[0][name] == pytest.approx(alone[name]), name
    assert table[1]["auroc"] < table[0]["auroc"]


def test_small_groups_and_those_of_one_class_are_counted_but_not_measured() -> None:
    sides = np.where(TRUTH == 1, "left", "right")
    tables = measure_subgroups(judge(_probability(), TRUTH, RULE, positive=1), {"device": DEVICE, "side": sides})
    assert tables["device"][2] == {"group": "C", "images": 5, "positives": 2, "note": "too few: below 10 images"}
    assert {row["note"] for row in tables["side"]} == {"too few: one class only"}


def test_numbers_of_many_values_are_cut_at_their_quartiles() -> None:
    ages = np.arange(20, 100)
    groups = dict(split_column(ages))
    assert list(groups) == ["20 to below 39.75", "39.75 to below 59.5", "59.5 to below 79.25", "79.25 to 99"]
    assert [int(chosen.sum()) for chosen in groups.values()] == [20, 20, 20, 20]


def test_numbers_that_are_missing_are_a_group_of_their_own() -> None:
    ages = np.array([str(age) for age in range(78)] + ["", " "])
    groups = dict(split_column(ages))
    assert groups["(none)"].sum() == 2
    assert np.sum(list(groups.values()), axis=0).tolist() == [1] * IMAGES


def test_few_numbers_stay_values() -> None:
    assert [group for group, _ in split_column(np.array([1, 2, 2, 1]))] == ["1", "2"]


def test_rare_values_of_a_long_column_are_counted_together() -> None:
    names = np.array([f"ward {number}" for number in range(20) for _ in range(2)] + ["ward 7"] * 5)
    groups = list(split_column(names))
    assert groups[-1][0] == "8 other values"
    assert "ward 7" in dict(groups)
    assert np.sum([chosen for _, chosen in groups], axis=0).tolist() == [1] * len(names)


def test_constant_numbers_and_columns_that_lean_on_one_value_are_split_without_losing_an_image() -> None:
    leaning = np.array([5.0] * 90 + list(range(20)))
    assert np.sum([chosen for _, chosen in split_column(leaning)], axis=0).tolist() == [1] * 110


def test_column_of_another_length_is_refused() -> None:
    with pytest.raises(LabelError, match="age"):
        measure_subgroups(judge(_probability(), TRUTH, RULE, positive=1), {"age": np.arange(3)})
