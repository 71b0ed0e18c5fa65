from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from models.training.settings import TrainingSettings
from pipelines.flows.training.storage import RunStorage, name_run
from sievert.errors import StorageError
from tests.unit.models.training_samples import pictures, spec


@pytest.fixture(params=["plain", "a b", "50%20#?&"])
def storage(tmp_path: Path, request: pytest.FixtureRequest) -> RunStorage:
    return RunStorage(str(tmp_path / request.param))


def test_sets_come_back_as_they_were(storage: RunStorage) -> None:
    storage.save_sets("sets.npz", pictures(6, channels=2), pictures(4, seed=2))
    train, validation = storage.load_sets("sets.npz")
    for found, given in ((train, pictures(6, channels=2)), (validation, pictures(4, seed=2))):
        assert np.array_equal(found.images, given.images)
        assert np.array_equal(found.labels, given.labels)
        assert (found.images.dtype.name, found.labels.dtype.name) == ("uint8", "int64")
    assert storage.names() == ["sets.npz"]


def test_file_is_replaced_whole_and_what_died_half_written_is_not_seen(storage: RunStorage) -> None:
    storage.save("a.bin", b"old")
    (Path(storage.root) / ".a.bin").write_bytes(b"ha")  # a driver was killed here
    assert storage.load("a.bin") == b"old"
    assert storage.names() == ["a.bin"]
    storage.save("a.bin", b"new")
    assert storage.load("a.bin") == b"new"
    assert [file.name for file in Path(storage.root).iterdir()] == ["a.bin"]


def test_images_that_would_have_to_be_unpickled_are_refused(storage: RunStorage) -> None:
    content = io.BytesIO()
    np.savez(content, train_images=np.array([{}], dtype=object))
    storage.save("sets.npz", content.getvalue())
    with pytest.raises(StorageError, match=r"'sets\.npz' are damaged"):
        storage.load_sets("sets.npz")


@pytest.mark.parametrize("kept", [0, 10, 400, -30])
def test_images_cut_short_are_told_from_whole_ones(tmp_path: Path, kept: int) -> None:
    storage = RunStorage(str(tmp_path))
    storage.save_sets("sets.npz", pictures(6), pictures(4))
    storage.save("sets.npz", storage.load("sets.npz")[:kept])
    with pytest.raises(StorageError, match="damaged") as caught:
        storage.load_sets("sets.npz")
    assert str(tmp_path) not in caught.value.message


def test_names_and_drop_do_not_mind_what_is_not_there(storage: RunStorage) -> None:
    assert storage.names() == []
    storage.drop("a.bin")
    below = storage.below("folder")
    below.save("a.bin", b"a")
    storage.drop("folder")
    assert storage.names() == []


def test_removing_leaves_what_lies_beside(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("kept")
    storage = RunStorage(str(tmp_path)).below("model.run")
    storage.save("a.bin", b"a")
    storage.remove()
    assert [one.name for one in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize(
    ("root", "below"),
    [
        ("/data/runs", "/data/runs/m"),
        ("/data/runs?/", "/data/runs?/m"),
        ("s3://bucket", "s3://bucket/m"),
        ("s3://bucket/runs/", "s3://bucket/runs/m"),
        ("s3://bucket/runs?region=x&scheme=http", "s3://bucket/runs/m?region=x&scheme=http"),
    ],
)
def test_folder_below_keeps_the_options_of_a_uri_at_its_end(root: str, below: str) -> None:
    assert RunStorage(root).below("m").root == below


@pytest.mark.parametrize("root", ["ftp://host/folder", "/dev/null/folder"])
def test_place_that_cannot_be_used_is_an_error_of_ours(root: str) -> None:
    with pytest.raises(StorageError) as caught:
        RunStorage(root).save("a.bin", b"a")
    assert "--storage" in caught.value.remedy


def test_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="FileNotFoundError"):
        RunStorage(str(tmp_path)).load("none.bin")


def test_run_has_another_name_where_anything_that_decides_its_weights_is_another() -> None:
    plain = TrainingSettings()
    still = plain.model_copy(update={"augment": plain.augment.model_copy(update={"flip": False})})
    names = {
        name_run("a", spec(), plain, start=None),
        name_run("b", spec(), plain, start=None),
        name_run("a", spec(classes=3), plain, start=None),
        name_run("a", spec((32, 32)), plain, start=None),
        name_run("a", spec(), TrainingSettings(seed=1), start=None),
        name_run("a", spec(), still, start=None),
        name_run("a", spec(), plain, start="0"),
    }  # fmt: skip
    assert len(names) == 7
    assert name_run("a", spec(), plain, start=None) in names
