from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from serve.hosting import deploying
from serve.hosting.deploying import Fresh
from serve.hosting.lineup import LineUp, checked, find_packages, line_up, note_served, replica_task, served_by_now
from serve.operations.process import watch_task
from sievert.branchserve import DicomListenerSettings
from sievert.errors import ConfigError, ModelError
from sievert.settings import ServeSettings
from tests.jobs import settings_in
from tests.packages import make_package

if TYPE_CHECKING:
    from sievert.settings import Settings


def put(shelf: Path, *names: str) -> None:
    for name in names:
        make_package(shelf / name, np.eye(2, 1, dtype=np.float32), shape=(4, 4))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    put(tmp_path / "shelf", "hand", "chest")
    plain = settings_in(tmp_path)
    serve = plain.serve.model_copy(update={"shelf": tmp_path / "shelf", "state": tmp_path / "state"})
    return plain.model_copy(update={"serve": serve})


def found(home: Path, settings: Settings) -> LineUp:
    return line_up(["default"], home / "online", settings, watch_task(settings, home / "own", environment={}))


def test_what_lies_on_the_shelf_is_served_beside_what_is_named(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "shelf" / ".trash").mkdir()
    (tmp_path / "shelf" / "README.md").write_text("ours")
    line = found(tmp_path, settings)
    assert [model.name for model in line.models] == ["default", "chest", "hand"]
    assert line.shelved == {"chest", "hand"}


def test_a_folder_on_the_shelf_that_is_no_package_is_told_at_the_start(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "shelf" / "half-copied").mkdir()
    with pytest.raises(ModelError):
        found(tmp_path, settings)


def test_a_shelf_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shelf"):
        find_packages(tmp_path / "nowhere")


def test_only_what_has_changed_is_deployed_again(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(deploying, "deploy_model", lambda task, **_: done.append(task.model.name))
    monkeypatch.setattr(deploying, "deploy_shelf", lambda task, *_, **__: done.append(f"shelf of {len(task.models)}"))
    monkeypatch.setattr(deploying, "tell_front", lambda line: done.append(f"front of {len(line.models)}"))
    watch = watch_task(settings, tmp_path / "own", environment={})
    fresh = Fresh(found(tmp_path, settings), lambda: found(tmp_path, settings), settings.serve, watch, 2)
    assert (fresh(), done) == ([], [])
    put(tmp_path / "shelf", "knee")
    assert fresh() == ["knee"]
    assert done == ["shelf of 3", "front of 4"]
    assert fresh() == []
    shutil.rmtree(tmp_path / "shelf" / "hand")
    assert fresh() == []
    assert done[-2:] == ["shelf of 2", "front of 3"]


def test_a_bare_name_on_the_shelf_is_not_taken_for_a_package_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "default")
    monkeypatch.chdir(tmp_path)
    assert find_packages(Path()) == [tmp_path / "default"]


def test_a_front_that_starts_anew_knows_what_was_taken_up(tmp_path: Path, settings: Settings) -> None:
    assert served_by_now(tmp_path / "own") is None
    line = found(tmp_path, settings)
    (tmp_path / "own").mkdir(exist_ok=True)
    note_served(tmp_path / "own", line.models, line.shelved)
    assert served_by_now(tmp_path / "own") == (line.models, line.shelved)


def lined(tmp_path: Path, *names: str) -> LineUp:
    """A line-up of models of these names."""
    plain = settings_in(tmp_path)
    task = replica_task("default", tmp_path / "online", plain, watch_task(plain, tmp_path / "own", environment={}))
    return LineUp(tuple(replace(task, model=replace(task.model, name=name)) for name in names), ())


_STRANGE = ("a b", 'x"', "a/b", "ü", "..", "", "a\nbind *:1", "%2e", "x" * 101)


@pytest.mark.parametrize("name", [*_STRANGE, "front", "shelf", "roller"])
def test_a_model_whose_name_cannot_stand_in_an_address_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        checked(lined(tmp_path, "default", name), ServeSettings())


def test_ordinary_names_are_taken(tmp_path: Path) -> None:
    checked(lined(tmp_path, "default", "chest-pneumonia_28.v2"), ServeSettings(weights={"default": 1.0}))


def test_a_weight_of_a_model_that_is_not_served_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not served"):
        checked(lined(tmp_path, "default"), ServeSettings(weights={"other": 1.0}))


def test_a_listeners_model_that_is_not_served_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dicom\.model"):
        checked(lined(tmp_path, "default"), ServeSettings(dicom=DicomListenerSettings(port=11112, model="other")))


def test_a_package_on_the_shelf_of_a_served_models_name_is_refused_at_a_hangup_too(
    tmp_path: Path, settings: Settings
) -> None:
    watch = watch_task(settings, tmp_path / "own", environment={})
    fresh = Fresh(found(tmp_path, settings), lambda: found(tmp_path, settings), settings.serve, watch, 2)
    put(tmp_path / "shelf", "default")
    with pytest.raises(ConfigError, match="same name"):
        fresh()
    assert fresh.line.shelved == {"chest", "hand"}
