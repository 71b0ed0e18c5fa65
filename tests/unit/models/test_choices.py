"""Settings are changed by dotted name, and a name or value that cannot be is told."""

from __future__ import annotations

import pytest

from models.networks.spec import NetworkSpec
from models.training.choices import apply_values, parse_choices
from models.training.settings import TrainingSettings
from sievert.errors import ConfigError, UnknownArchitectureError

SPEC, SETTINGS = NetworkSpec(arch="hybrid", shape=(28, 28)), TrainingSettings()


def test_numbers_truth_values_lists_and_words_are_read() -> None:
    texts = ["augment.rotation_deg=20", "augment.flip=false", "network.depths=[1, 2]", "training.schedule=cosine"]
    assert parse_choices(texts) == {
        "augment.rotation_deg": 20,
        "augment.flip": False,
        "network.depths": [1, 2],
        "training.schedule": "cosine",
    }


@pytest.mark.parametrize("texts", [["training.epochs"], ["=3"], ["training.epochs=1", "training.epochs=2"]])
def test_what_is_no_choice_is_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigError):
        parse_choices(texts)


def test_each_value_goes_where_its_name_says_and_nothing_else_changes() -> None:
    values = {"training.learning_rate": 0.01, "augment.scale": 0.3, "network.depths": [1, 3]}
    spec, settings = apply_values(SPEC, SETTINGS, values)
    assert spec == SPEC.model_copy(update={"options": {"depths": (1, 3)}})
    assert settings.augment == SETTINGS.augment.model_copy(update={"scale": 0.3})
    assert settings == SETTINGS.model_copy(update={"learning_rate": 0.01, "augment": settings.augment})


def test_no_values_change_nothing() -> None:
    assert apply_values(SPEC, SETTINGS, {}) == (SPEC, SETTINGS)


def test_options_that_stand_already_stay() -> None:
    spec, _ = apply_values(SPEC.model_copy(update={"options": {"heads": 2}}), SETTINGS, {"network.dropout": 0.4})
    assert spec.options == {"heads": 2, "dropout": 0.4}


def test_an_unknown_name_lists_near_ones() -> None:
    with pytest.raises(ConfigError, match=r"'training.learning_rte'; near it: training.learning_rate"):
        apply_values(SPEC, SETTINGS, {"training.learning_rte": 0.01})


@pytest.mark.parametrize("key", ["training.augment", "learning_rate", "network.deepness", "augment."])
def test_what_is_no_setting_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="no setting is called"):
        apply_values(SPEC, SETTINGS, {key: 1})


@pytest.mark.parametrize(
    ("key", "value"),
    [("training.learning_rate", -1), ("training.schedule", "sine"), ("augment.scale", "wide"), ("network.dropout", 1)],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{key} cannot be {value!r}"):
        apply_values(SPEC, SETTINGS, {key: value})


def test_options_of_an_unknown_network_are_refused() -> None:
    with pytest.raises(UnknownArchitectureError):
        apply_values(NetworkSpec(arch="hybird", shape=(28, 28)), SETTINGS, {"network.dropout": 0.1})
