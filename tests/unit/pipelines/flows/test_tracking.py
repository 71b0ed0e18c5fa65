from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from models.training.settings import Epoch
from pipelines.flows.tracking import MLFLOW_FILE, open_trackers
from sievert.errors import ConfigError

EPOCHS = [Epoch(1, 0.9, 0.8, 0.5, best=True), Epoch(2, 0.7, 0.6, 0.75, best=True)]
METRICS = {"test": {"auroc": 0.91, "data": "a.npz", "sensitivity": None, "odd": float("nan")}}
PARAMETERS = {"arch": "hybrid", "augment": {"gamma": 0.4}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracking")
    with pytest.raises(KeyboardInterrupt):
        _log(folder, EPOCHS[:1], interrupted=True)
    _log(folder, EPOCHS[1:])
    return folder


def _log(folder: Path, epochs: list[Epoch], *, interrupted: bool = False) -> None:
    with open_trackers(("tensorboard", "mlflow"), folder, run="first", parameters=PARAMETERS) as trackers:
        for epoch in epochs:
            trackers.on_epoch(epoch)
        if interrupted:
            raise KeyboardInterrupt
        trackers.on_end(METRICS)


@pytest.fixture(scope="module")
def runs(folder: Path) -> list[Any]:
    client = _client(folder)
    return list(client.search_runs([client.get_experiment_by_name("sievert").experiment_id]))


def _client(folder: Path) -> Any:  # noqa: ANN401 - mlflow's own, which is heavy to import
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{folder / MLFLOW_FILE}")


def test_mlflow_holds_what_was_told_and_measured(runs: list[Any]) -> None:
    assert runs[-1].data.params == {"arch": "hybrid", "augment.gamma": "0.4"}
    assert runs[-1].data.metrics == {
        "training_loss": 0.7,
        "validation_loss": 0.6,
        "validation_accuracy": 0.75,
        "best": 1.0,
        "test.auroc": 0.91,
    }


def test_interrupted_run_goes_on_in_mlflow_and_is_finished_once(folder: Path, runs: list[Any]) -> None:
    assert [(run.info.run_name, run.info.status) for run in runs] == [("first", "FINISHED")]
    history = _client(folder).get_metric_history(runs[0].info.run_id, "training_loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.9), (2, 0.7)]


def test_mlflow_knows_no_user_no_program_and_no_path_of_the_machine(folder: Path, runs: list[Any]) -> None:
    assert set(runs[0].data.tags) == {"mlflow.runName"}
    with sqlite3.connect(folder / MLFLOW_FILE) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert str(Path.home()) + "/" not in dump
    assert str(Path.cwd()) not in dump
    assert str(folder) not in dump


@pytest.mark.usefixtures("runs")
def test_mlflow_does_not_call_home(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.telemetry import get_telemetry_client, utils

    monkeypatch.setattr(utils, "_IS_IN_CI_ENV_OR_TESTING", False)  # in a test it would not do so anyway
    assert utils.is_telemetry_disabled()
    assert get_telemetry_client() is None


def test_tensorboard_holds_every_epoch_and_what_was_measured(folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard" / "first"))
    events.Reload()
    assert [(one.step, round(one.value, 5)) for one in events.Scalars("validation_loss")] == [(1, 0.8), (2, 0.6)]
    assert round(events.Scalars("test.auroc")[0].value, 5) == 0.91
    assert b"augment.gamma" in events.Tensors("parameters/text_summary")[0].tensor_proto.string_val[0]


@pytest.mark.parametrize(("kind", "module"), [("tensorboard", "torch.utils.tensorboard"), ("mlflow", "mlflow")])
def test_missing_package_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(ConfigError, match="not installed") as caught,
        open_trackers((kind,), tmp_path, run="a", parameters={}),
    ):
        raise AssertionError("nothing can be logged")
    assert caught.value.remedy == "pip install 'sievert[tracking]'"


def test_no_kind_logs_nothing_and_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with open_trackers((), tmp_path / "logs", run="a", parameters={}) as trackers:
        trackers.on_epoch(EPOCHS[0])
    assert not (tmp_path / "logs").exists()


def test_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wandb"), open_trackers(("wandb",), tmp_path, run="a", parameters={}):
        raise AssertionError("nothing logs there")
