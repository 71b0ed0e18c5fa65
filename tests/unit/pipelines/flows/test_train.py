from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.package import load_package
from models.training.scopes import read_scope
from models.training.settings import TrainingSettings
from pipelines.flows.evaluate import evaluate
from pipelines.flows.train import train
from sievert.errors import ConfigError, InputMissingError, OutFolderError

if TYPE_CHECKING:
    from pathlib import Path

    from models.package import ModelPackage

SETTINGS = TrainingSettings(epochs=1, batch_size=16, threads=1)


def _split(images: int, seed: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    draw = np.random.default_rng(seed)
    labels = (np.arange(images, dtype=np.uint8) % 2)[:, None]
    pictures = draw.integers(0, 256, (images, 28, 28), dtype=np.uint8)
    return {"images": pictures, "labels": labels}


def _make_data(folder: Path) -> Path:
    splits = {"train": _split(48, 1), "val": _split(24, 2), "test": _split(24, 3)}
    splits["train"]["images"][5] = splits["test"]["images"][5]
    arrays = {f"{split}_{kind}": array for split, kinds in splits.items() for kind, array in kinds.items()}
    np.savez(folder / "noise.npz", **arrays)  # type: ignore[arg-type] # numpy's stub mixes up arrays and its own flag
    for name, picture in (("normal", arrays["test_images"][0]), ("pneumonia", arrays["test_images"][1])):
        (folder / "outside" / name).mkdir(parents=True)
        cv2.imwrite(str(folder / "outside" / name / "a.png"), picture)
    return folder / "noise.npz"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def package(data: Path) -> ModelPackage:
    external = data.parent / "outside"
    return train(
        data, data.parent / "model", settings=SETTINGS, scope=read_scope(), external=external, on_epoch=lambda _: None
    )


def test_package_holds_what_it_was_measured_at(data: Path, package: ModelPackage) -> None:
    metrics = json.loads(package.metrics_file.read_bytes())
    assert list(metrics) == ["validation", "test", "external"]
    found = evaluate(load_package(package.folder), data)
    assert found["digest"] == package.digest
    assert {name: value for name, value in found.items() if name != "digest"} == metrics["test"]
    assert metrics["external"]["images"] == 2


def test_card_tells_the_measured_figures_and_what_the_model_is_not(package: ModelPackage) -> None:
    card = package.card_file.read_text("utf-8")
    metrics = json.loads(package.metrics_file.read_bytes())
    for name, measured in metrics.items():
        assert f"| {name}: {measured['data']} | {measured['images']} |" in card
        assert f"{measured['auroc']:.3f} ({measured['auroc_low']:.3f} to {measured['auroc_high']:.3f})" in card
    assert "not a medical device" in card
    assert "sievert train noise.npz --out model --seed 0 --epochs 1 --threads 1 --external outside" in card


def test_provenance_names_the_data_by_content_and_no_place(data: Path, package: ModelPackage) -> None:
    text = (package.folder / "provenance.json").read_text("utf-8")
    provenance = json.loads(text)
    assert provenance["data"] == {"name": "noise.npz", "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    assert (provenance["trained_on"], provenance["left_out"]) == (47, 1)
    assert str(data.parent) not in text


def test_training_again_gives_the_same_package_to_the_byte(data: Path, package: ModelPackage) -> None:
    again = train(
        data,
        package.folder,
        settings=SETTINGS,
        scope=read_scope(),
        external=data.parent / "outside",
        on_epoch=lambda _: None,
    )
    assert again.digest == package.digest


def test_nothing_is_trained_where_it_could_not_be_written_or_measured(data: Path) -> None:
    def fail(_: object) -> None:
        raise AssertionError("an epoch was run")

    with pytest.raises(OutFolderError):
        train(data, data.parent, settings=SETTINGS, scope=read_scope(), on_epoch=fail)
    with pytest.raises(InputMissingError):
        train(
            data,
            data.parent / "new",
            settings=SETTINGS,
            scope=read_scope(),
            external=data.parent / "nowhere",
            on_epoch=fail,
        )
    assert not (data.parent / "new").exists()


def test_scope_that_names_no_such_positive_label_is_refused(tmp_path: Path) -> None:
    scope = read_scope().model_dump(mode="json") | {"positive_label": "gout"}
    (tmp_path / "scope.json").write_text(json.dumps(scope))
    with pytest.raises(ConfigError, match=r"scope\.json"):
        read_scope(tmp_path / "scope.json")
