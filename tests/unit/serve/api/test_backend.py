from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from models.package import load_package
from serve.api.backend import ServedModel, choose_model, describe_model, find_model, share_out
from sievert.errors import ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STUDIES = [bytes([number % 256, number // 256]) for number in range(2000)]


@pytest.fixture(scope="module")
def models() -> list[ServedModel]:
    one = describe_model("old", load_package("default"), threshold=0.5, min_confidence=0.6)
    return [one, replace(one, name="new")]


class Named:
    """Models and weights, and nothing that answers."""

    def __init__(self, models: Sequence[ServedModel], weights: Mapping[str, float]) -> None:
        self.models, self.weights = models, weights


def test_without_weights_every_study_goes_to_the_first(models: list[ServedModel]) -> None:
    assert {share_out(models, {}, study) for study in STUDIES} == {"old"}


def test_a_canary_gets_its_share_and_a_study_always_the_same_model(models: list[ServedModel]) -> None:
    weights = {"old": 0.9, "new": 0.1}
    found = [share_out(models, weights, study) for study in STUDIES]
    assert 0.07 < found.count("new") / len(found) < 0.13
    assert found == [share_out(models, weights, study) for study in STUDIES]


def test_a_model_of_weight_nought_gets_nothing(models: list[ServedModel]) -> None:
    assert {share_out(models, {"old": 0, "new": 2}, study) for study in STUDIES} == {"new"}


def test_who_names_a_model_gets_it_whatever_the_weights(models: list[ServedModel]) -> None:
    backend = Named(models, {"new": 1.0})
    assert choose_model(backend, "old", b"") == "old"  # type: ignore[arg-type]  # nothing is asked of it
    assert choose_model(backend, None, b"") == "new"  # type: ignore[arg-type]  # as above


def test_a_model_that_is_not_served_is_told_with_those_that_are(models: list[ServedModel]) -> None:
    with pytest.raises(ModelMissingError) as told:
        find_model(Named(models, {}), "other")  # type: ignore[arg-type]  # as above
    assert "old, new" in told.value.remedy
