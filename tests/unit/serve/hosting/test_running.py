from __future__ import annotations

import pytest

from serve.hosting.running import _check_names
from sievert.errors import ConfigError


@pytest.mark.parametrize("name", ["a b", 'x"', "a/b", "ü", "..", "", "a\nbind *:1", "%2e", "x" * 101, "front"])
def test_a_model_whose_name_cannot_stand_in_an_address_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        _check_names(["default", name], {})


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="same name"):
        _check_names(["default", "default"], {})


def test_ordinary_names_are_taken() -> None:
    _check_names(["default", "chest-pneumonia_28.v2"], {})
