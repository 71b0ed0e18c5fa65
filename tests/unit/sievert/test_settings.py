from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest

from sievert.errors import ConfigError
from sievert.settings import Settings, flat, load_settings


def test_flags_win_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "sievert.toml"
    file.write_text("[admit]\nmin_side_px = 10\nmin_bits = 10\n[predict]\nbatch_size = 3\n")
    environment = {"SIEVERT_ADMIT__MIN_SIDE_PX": "20", "SIEVERT_PREDICT__BATCH_SIZE": "4"}
    loaded = load_settings({"admit.min_side_px": 30, "admit.max_pixels": None}, config=file, environment=environment)
    assert loaded.settings.admit.min_side_px == 30
    assert loaded.settings.predict.batch_size == 4
    assert loaded.settings.admit.min_bits == 10
    assert loaded.settings.admit.max_pixels == 100_000_000
    assert loaded.origins == {
        "admit.min_side_px": "flag",
        "predict.batch_size": "environment SIEVERT_PREDICT__BATCH_SIZE",
        "admit.min_bits": f"file {file}",
    }


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SIEVERT_ADMIT__MIN_SIZE", "3", "admit.min_size"),
        ("SIEVERT_NOBODY__KNOWS", "3", "nobody"),
        ("SIEVERT_ADMIT__MIN_BITS", "seventeen", "admit.min_bits"),
        ("SIEVERT_DECIDE__MIN_CONFIDENCE", "0.2", "decide.min_confidence"),
    ],
)
def test_unknown_and_impossible_settings_are_refused_by_name_and_origin(name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(environment={name: value})
    assert told in refused.value.message
    assert name in refused.value.message


def test_a_broken_file_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "sievert.toml"
    file.write_text("[admit\n")
    with pytest.raises(ConfigError, match=r"sievert\.toml"):
        load_settings(config=file, environment={})


def test_a_missing_file_that_was_named_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(environment={"SIEVERT_CONFIG": "nowhere.toml"})


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert load_settings(environment={"SIEVERT_DATA": "x"}).origins == {}


def test_the_tree_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().admit.min_bits = 9  # type: ignore[misc]  # the claim


def test_every_setting_is_described_where_it_is_defined() -> None:
    for path in flat(Settings()):
        *branches, leaf = path.split(".")
        model = type(reduce(getattr, branches, Settings()))
        assert model.model_fields[leaf].description, path


def test_a_setting_written_with_one_underscore_is_refused_and_not_ignored() -> None:
    with pytest.raises(ConfigError, match="SIEVERT_ADMIT_MIN_BITS"):
        load_settings(environment={"SIEVERT_ADMIT_MIN_BITS": "12"})


def test_a_tilde_in_a_path_is_the_users_home() -> None:
    keys = load_settings(environment={"SIEVERT_STORE__KEYS": "~/keys"}).settings.store.keys
    assert keys == Path.home() / "keys"
