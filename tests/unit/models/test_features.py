from __future__ import annotations

import numpy as np
import pytest

from models.features import check_features
from sievert.records import Reason


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_makes_a_map_invalid(broken: float) -> None:
    features = np.random.default_rng(0).random((4, 7, 7), dtype=np.float32)
    features[3, 6, 0] = broken
    assert check_features(features) is Reason.FEATURES_NOT_FINITE


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_constant_map_is_invalid(value: float) -> None:
    assert check_features(np.full((4, 7, 7), value, dtype=np.float32)) is Reason.FEATURES_CONSTANT


def test_map_that_saw_something_is_valid() -> None:
    features = np.zeros((4, 7, 7), dtype=np.float32)
    features[0, 0, 0] = 1e-6
    assert check_features(features) is None
