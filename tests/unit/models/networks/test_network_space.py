from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from models.networks.space import Choice, Float, Int
from sievert.errors import ConfigError


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_empty_range_is_refused(low: float, high: float) -> None:
    with pytest.raises(ConfigError, match="not above"):
        Float(low, high)


@pytest.mark.parametrize("kind", [Float, Int])
def test_logarithmic_range_starts_above_zero(kind: type[Float | Int]) -> None:
    with pytest.raises(ConfigError, match="logarithmic"):
        kind(0, 2, log=True)
    assert kind(1, 2, log=True).high == 2


def test_choice_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="no values"):
        Choice(())


def test_range_cannot_be_changed_once_it_is_made() -> None:
    span = Int(1, 4)
    with pytest.raises(FrozenInstanceError):
        span.high = 9  # type: ignore[misc] # that it is refused is the claim
