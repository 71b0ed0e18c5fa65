from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.package import ModelPackage, load_package
from models.training.scopes import read_scope
from models.training.settings import Epoch, TrainingSettings
from pipelines.flows import retrain
from pipelines.flows.evaluate import evaluate
from pipelines.flows.packaging import Trained, _describe_training, write_package
from pipelines.flows.retrain import kept_epoch, train_to_threshold
from pipelines.flows.train import TrainingOrder, gather, read_order, train
from pipelines.flows.training.run import Crew
from pipelines.flows.training.start import Prior
from pipelines.flows.tuning.records import TuningResult
from pipelines.flows.tuning.run import Search
from sievert.errors import (
    ConfigError,
    InputMissingError,
    LabelError,
    NetworkInputError,
    OutFolderError,
    UnknownArchitectureError,
)
from tests.unit.models.training_samples import TINY, settings

ORDER = TrainingOrder(options=dict(TINY), settings=settings(epochs=2), scope=read_scope())


def _make_data(folder: Path) -> Path:
    draw, arrays = np.random.default_rng(0), {}
    for split, images in (("train", 16), ("val", 12), ("test", 12)):
        arrays[f"{split}_images"] = draw.integers(0, 256, (images, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(images, dtype=np.uint8) % 2)[:, None]
    arrays["train_images"][5] = arrays["test_images"][5]
    np.savez(folder / "noise.npz", **cast("Any", arrays))
    for name, picture in (("normal", arrays["test_images"][0]), ("pneumonia", arrays["test_images"][1])):
        (folder / "outside" / name).mkdir(parents=True)
        cv2.imwrite(str(folder / "outside" / name / "a.png"), picture)
    return folder / "noise.npz"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _make_data(tmp_path_factory.mktemp("data"))


def _epoch(number: int, loss: float, accuracy: float = 0.5, *, best: bool = True) -> Epoch:
    return Epoch(number, 0.7, loss, accuracy, best)


EPOCHS = [_epoch(1, 0.6), _epoch(2, 0.61, best=False)]


def _trained(data: Path, out: Path, order: TrainingOrder = ORDER) -> Trained:
    torch.manual_seed(0)
    network = build_network(order.spec(2)).eval()
    return gather(order, read_order(data, order), network, EPOCHS, out=out, prior=Prior())


@pytest.fixture(scope="module")
def package(data: Path) -> ModelPackage:
    out = data.parent / "model"
    return write_package(out, _trained(data, out), external=data.parent / "outside")


def test_package_holds_what_it_was_measured_at(data: Path, package: ModelPackage) -> None:
    metrics = package.metrics()
    assert list(metrics) == ["validation", "test", "external"]
    found = evaluate(load_package(package.folder), data)
    assert found["digest"] == package.digest
    assert metrics["test"]["auroc"] == found["auroc"]
    assert metrics["external"]["images"] == 2


def test_card_tells_the_measured_figures_the_command_and_what_the_model_is_not(package: ModelPackage) -> None:
    card = package.card_file.read_text("utf-8")
    for name, measured in package.metrics().items():
        assert f"| {name}: {measured['data']} | {measured['images']} |" in card
        assert f"{measured['auroc']:.3f} ({measured['auroc_low']:.3f} to {measured['auroc_high']:.3f})" in card
    assert "not a medical device" in card
    assert "sievert train noise.npz --out model --arch hybrid" in card


def test_provenance_names_the_data_by_content_and_no_place(data: Path, package: ModelPackage) -> None:
    text = (package.folder / "provenance.json").read_text("utf-8")
    provenance = json.loads(text)
    assert provenance["data"]["sha256"] == read_order(data, ORDER).digest
    assert (provenance["trained_on"], provenance["left_out"]) == (15, 1)
    assert provenance["epoch"] == 1
    assert [epoch["validation_loss"] for epoch in provenance["epochs"]] == [0.6, 0.61]
    assert str(data.parent) not in text


def test_epoch_that_was_kept_is_the_last_one_where_that_was_asked_for(data: Path) -> None:
    order = replace(ORDER, settings=settings(epochs=2, keep="last"))
    assert _describe_training(_trained(data, data.parent / "other", order))["epoch"] == 2


def test_figures_of_the_validation_split_are_of_the_network_that_has_not_seen_it(
    data: Path, package: ModelPackage, tmp_path: Path
) -> None:
    before = _trained(data, tmp_path)
    torch.manual_seed(1)
    again = write_package(
        tmp_path / "model", replace(before, network=build_network(ORDER.spec(2)).eval(), judged=before.network)
    )
    assert again.calibration == package.calibration
    assert again.metrics()["validation"] == package.metrics()["validation"]
    assert again.metrics()["test"] != package.metrics()["test"]
    assert again.provenance()["learnt_again_from"] == len(before.data.train) + len(before.data.validation)
    assert "learnt once more" in again.card_file.read_text("utf-8")
    assert "learnt once more" not in package.card_file.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"arch": "hybird"}, UnknownArchitectureError),
        ({"shape": (8, 8)}, NetworkInputError),
        ({"shape": (28,) * 3}, LabelError),
        ({"options": {"depth": 3}}, NetworkInputError),
        ({"external": Path("nowhere")}, InputMissingError),
        ({"channels": 2}, LabelError),
    ],
)
def test_nothing_is_started_for_what_cannot_be_trained(
    data: Path, change: dict[str, Any], error: type[Exception]
) -> None:
    out = data.parent / "new"
    crew = Crew(1, 1, str(data.parent / "new.run"))
    with pytest.raises(error):
        train(data, out, replace(ORDER, **change), crew=crew, follower=cast("Any", None))
    assert not out.exists()
    assert not (data.parent / "new.run").exists()


def test_folder_that_holds_something_else_is_refused_before_data_are_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OutFolderError):
        train(tmp_path / "none.npz", tmp_path, ORDER, crew=Crew(1, 1, ""), follower=cast("Any", None))


def test_shape_that_is_neither_a_picture_nor_a_volume_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 or 3 dimensions, not 4"):
        TrainingOrder(shape=(8,) * 4).recipe()


def test_order_decides_size_channels_and_labels_of_what_is_read(data: Path) -> None:
    read = read_order(data, replace(ORDER, shape=(32, 24), channels=3))
    assert read.train.images.shape == (15, 3, 32, 24)
    assert read.labels == read_scope().labels
    assert read_order(data, TrainingOrder()).labels == ("0", "1")


class _Training:
    """Comes back at once with the epochs that it was given; what it was asked for is noted."""

    storage = "run"

    def __init__(self, *outcomes: list[Epoch]) -> None:
        self.asked: list[tuple[NetworkSpec, TrainingSettings]] = []
        self.said: list[str] = []
        self.follower = self
        self._outcomes = iter(outcomes)

    def says(self, line: str) -> None:
        self.said.append(line)

    def fit(
        self, _train: object, _validation: object, spec: NetworkSpec, settings: TrainingSettings, **_: object
    ) -> Any:  # noqa: ANN401 - a network
        self.asked.append((spec, settings))
        return f"network {len(self.asked)}", next(self._outcomes)


def _until(
    monkeypatch: pytest.MonkeyPatch, data: Path, order: TrainingOrder, *outcomes: list[Epoch]
) -> tuple[TrainingOrder, Any, _Training]:
    def tune(_sets: object, search: Search, **_: object) -> TuningResult:
        searches.append(search)
        best = search.settings.model_copy(update={"learning_rate": 0.5})
        spec = search.spec.model_copy(update={"options": {**search.spec.options, "dropout": 0.0}})
        return cast("TuningResult", type("Found", (), {"best": best, "best_spec": spec}))

    searches: list[Search] = []
    monkeypatch.setattr(retrain, "tune", tune)
    training = _Training(*outcomes)
    done, fitted = train_to_threshold(read_order(data, order), order, cast("Any", training), prior=Prior())
    assert [search.trials for search in searches] == [order.trials] * (len(training.asked) - 1)
    assert not any(name in search.ranges for search in searches for name in order.fixed)
    return done, fitted, training


def test_accuracy_that_is_enough_needs_no_tuning(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    for threshold in (None, 0.8):
        order = replace(ORDER, threshold=threshold)
        done, fitted, training = _until(monkeypatch, data, order, [_epoch(1, 0.5, 0.8)])
        assert (done, fitted[0], training.said) == (order, "network 1", [])


@pytest.mark.parametrize(
    ("loss", "accuracy", "kept", "reached"), [(0.3, 0.95, "tuned", "reached"), (0.7, 0.6, "first", "still not reached")]
)
def test_accuracy_below_the_threshold_is_tuned_and_the_better_network_kept(
    monkeypatch: pytest.MonkeyPatch, data: Path, loss: float, accuracy: float, kept: str, reached: str
) -> None:
    order = replace(ORDER, threshold=0.9, trials=3, fixed=("training.weight_decay",), settings=settings(threads=2))
    outcomes = [_epoch(1, 0.5, 0.7)], [_epoch(1, loss, accuracy)]
    done, fitted, training = _until(monkeypatch, data, order, *outcomes)
    tuned = kept == "tuned"
    assert fitted[0] == ("network 2" if tuned else "network 1")
    assert done.settings.learning_rate == (0.5 if tuned else order.settings.learning_rate)
    assert done.settings.threads == 2
    assert done.notes["retraining"] == {
        "threshold": 0.9,
        "trials": 3,
        "validation_accuracy_before": 0.7,
        "validation_accuracy_after": accuracy,
        "kept": kept,
    }
    assert training.said[0] == "validation accuracy 0.700 is below 0.9: tuning with 3 trials"
    assert f"the {kept} network is kept; 0.9 is {reached}" in training.said[-1]
    assert training.asked[1][0].options["dropout"] == 0.0


def test_judged_is_the_epoch_whose_weights_are_kept() -> None:
    epochs = [_epoch(1, 0.5, 0.7), _epoch(2, 0.3, 0.6), _epoch(3, 0.4, 0.9, best=False)]
    fitted = cast("Any", ("network", epochs))
    assert kept_epoch(ORDER, fitted).number == 2
    assert kept_epoch(replace(ORDER, settings=settings(keep="last")), fitted).number == 3
