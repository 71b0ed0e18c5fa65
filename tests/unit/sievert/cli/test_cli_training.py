from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.networks.spec import NetworkSpec
from models.training.settings import TrainingSettings
from sievert.cli.training import (
    make_order,
    read_crew,
    read_scope_file,
    read_settings,
    read_size,
    read_views,
    read_workers,
)
from sievert.errors import ConfigError, UnknownArchitectureError


@pytest.mark.parametrize(
    ("text", "sides"), [("28", (28, 28)), ("224x200", (224, 200)), ("32X64x48", (32, 64, 48)), ("1", (1, 1))]
)
def test_size_is_read(text: str, sides: tuple[int, ...]) -> None:
    assert read_size(text) == sides


@pytest.mark.parametrize("text", ["", "x", "28x", "0", "28x-1", "1x2x3x4", "wide", "2.5"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no size") as caught:
        read_size(text)
    assert "224x224" in caught.value.remedy


@pytest.mark.parametrize(("text", "both"), [("1", (1, 1)), ("4", (4, 4)), ("1:4", (1, 4))])
def test_workers_are_read(text: str, both: tuple[int, int]) -> None:
    assert read_workers(text) == both


@pytest.mark.parametrize("text", ["", "0", "-1", "4:1", "1:2:3", "many", ":", "1:", "²"])
def test_what_is_no_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no number"):
        read_workers(text)


def test_state_lies_in_a_folder_of_the_runs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is deleted at the end: what else lies at --storage must not be."""
    monkeypatch.chdir(tmp_path)
    assert read_crew("1", None, Path("a/model")).storage == str(tmp_path / "a" / "model.run")
    assert read_crew("1", "kept", Path("a/model")).storage == str(tmp_path / "kept" / "model.run")
    assert read_crew("2:3", "s3://bucket/x?region=y", Path("model")).storage == "s3://bucket/x/model.run?region=y"


def test_views_that_there_are_not_are_refused() -> None:
    assert read_views("both") == "both"
    with pytest.raises(ConfigError, match="'all' are no views"):
        read_views("all")


def test_scope_is_none_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_scope_file(None) is None
    with pytest.raises(ConfigError, match=r"scope\.json"):
        read_scope_file(tmp_path / "scope.json")


def test_without_a_word_it_begins_with_the_architectures_own_settings() -> None:
    order = make_order("vit", "32")
    assert order.settings == TrainingSettings(learning_rate=5e-4)
    assert (order.shape, order.channels, order.options, order.fixed) == ((32, 32), 1, {}, ())
    assert make_order("hybrid", "28").settings == TrainingSettings()


def _best(folder: Path, **options: float) -> Path:
    found = {
        "network": NetworkSpec(arch="vit", shape=(64, 64), options=options).model_dump(mode="json"),
        "training": TrainingSettings(epochs=7, learning_rate=0.1, batch_size=4).model_dump(mode="json"),
    }
    (folder / "best.json").write_text(json.dumps(found))
    return folder / "best.json"


def test_set_wins_over_flags_and_they_over_the_file_and_it_over_the_start(tmp_path: Path) -> None:
    order = make_order(
        "vit",
        "32",
        settings_file=_best(tmp_path, dropout=0.3),
        named={"epochs": 5, "batch_size": 16, "seed": None},
        choices=["training.batch_size=64", "network.dropout=0.1", "augment.flip=false"],
    )
    chosen = order.settings
    assert (chosen.learning_rate, chosen.epochs, chosen.batch_size, chosen.seed) == (0.1, 5, 64, 0)
    assert chosen.augment.flip is False
    assert order.options == {"dropout": 0.1}
    assert order.shape == (32, 32)
    assert set(order.fixed) == {"training.epochs", "training.batch_size", "network.dropout", "augment.flip"}


def test_options_found_for_another_architecture_are_left_out(tmp_path: Path) -> None:
    order = make_order("hybrid", "28", settings_file=_best(tmp_path, dropout=0.3))
    assert order.options == {}
    assert order.settings.learning_rate == 0.1


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"network": {}, "training": {}}', '{"network": 1, "training": 2}']
)
def test_file_that_is_no_best_json_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "best.json").write_text(content)
    with pytest.raises(ConfigError, match=r"'best\.json' cannot be understood"):
        read_settings(tmp_path / "best.json")
    with pytest.raises(ConfigError, match=r"'none\.json' cannot"):
        read_settings(tmp_path / "none.json")


def test_unknown_names_are_told_with_what_is_near() -> None:
    with pytest.raises(UnknownArchitectureError, match="no architecture 'resnet5'; there is resnet50"):
        make_order("resnet5", "28")
    with pytest.raises(ConfigError, match=r"training\.learning_rat'; near it: training\.learning_rate"):
        make_order("hybrid", "28", choices=["training.learning_rat=1"])
    with pytest.raises(ConfigError, match=r"training\.epochs cannot be -1"):
        make_order("hybrid", "28", choices=["training.epochs=-1"])
