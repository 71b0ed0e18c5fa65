"""Logs a training for TensorBoard and MLflow; files only, nothing is sent anywhere."""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.pretraining.settings import PretrainEpoch
    from models.training.settings import Epoch

Kind = Literal["tensorboard", "mlflow"]
"""What can be logged to."""

MLFLOW_FILE = "mlflow.sqlite"
"""Of all runs in a folder: `mlflow ui --backend-store-uri sqlite:///mlflow.sqlite` shows them."""

EXPERIMENT = "sievert"

_NO_ARTEFACTS = "mlflow-artifacts:/none"
"""No place of this machine, which MLflow would note otherwise; nothing is ever put there."""

_LONGEST = 500
"""Signs of a parameter's value that MLflow keeps at least, in every version."""


class Tracker(Protocol):
    """Where figures are logged."""

    def log(self, figures: dict[str, float], step: int) -> None:
        """Note figures by name; the step is an epoch's number."""

    def close(self, *, finished: bool) -> None:
        """Let go; no figures come any more."""


_Maker = Callable[[Path, str, dict[str, str]], Tracker]


class Trackers:
    """All that a run is logged to.

    Args:
        trackers: Each is told the same.
    """

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = trackers
        self._last = 0

    def on_epoch(self, epoch: Epoch | PretrainEpoch) -> None:
        """Note an epoch's figures."""
        figures = asdict(epoch)
        self._last = figures.pop("number")
        self._log(figures)

    def on_end(self, metrics: dict[str, Any]) -> None:
        """Note what was measured when training was done; the names of nested figures are joined by a dot."""
        self._log(metrics)

    def _log(self, figures: dict[str, Any]) -> None:
        plain = {name: value for name, value in flatten(figures).items() if isinstance(value, bool | int | float)}
        for tracker in self._trackers:
            tracker.log({name: float(value) for name, value in plain.items() if math.isfinite(value)}, self._last)


@contextlib.contextmanager
def open_trackers(kinds: Sequence[str], folder: Path, *, run: str, parameters: dict[str, Any]) -> Iterator[Trackers]:
    """Log one run as long as this lasts; a run of that name that was interrupted goes on.

    Args:
        kinds: Words of `Kind`; none logs nothing.
        folder: Of the logs; `tensorboard/RUN` and `mlflow.sqlite` come to lie in it.
        run: Its name.
        parameters: What it was told, noted once; nested names are joined by a dot.

    Raises:
        ConfigError: A kind is unknown, or the package that it needs is not installed.
    """
    makers: dict[str, _Maker] = {"tensorboard": _TensorBoard, "mlflow": _MLflow}
    if unknown := sorted(set(kinds) - set(makers)):
        raise ConfigError(f"nothing logs to {', '.join(unknown)}", remedy=f"Give {' or '.join(makers)}.")
    told = {name: str(value) for name, value in flatten(parameters).items()}
    opened: list[Tracker] = []
    finished = False
    try:
        opened += [_open(makers[kind], folder, run, told) for kind in dict.fromkeys(kinds)]
        yield Trackers(opened)
        finished = True
    finally:
        for tracker in opened:
            tracker.close(finished=finished)


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, names joined by a dot."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _open(maker: _Maker, folder: Path, run: str, told: dict[str, str]) -> Tracker:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return maker(folder, run, told)
    except ImportError as error:
        raise ConfigError(
            f"logging needs a package that is not installed ({error.name})", remedy="pip install 'sievert[tracking]'"
        ) from error


class _TensorBoard:
    def __init__(self, folder: Path, run: str, told: dict[str, str]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard" / run))
        rows = "".join(f"| {name} | {value} |\n" for name, value in told.items())
        self._writer.add_text("parameters", f"| parameter | value |\n|---|---|\n{rows}")

    def log(self, figures: dict[str, float], step: int) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self, *, finished: bool) -> None:  # noqa: ARG002 - TensorBoard knows no end of a run
        self._writer.close()


class _MLflow:
    def __init__(self, folder: Path, run: str, told: dict[str, str]) -> None:
        self._client = _connect(f"sqlite:///{(folder / MLFLOW_FILE).absolute()}")
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT, _NO_ARTEFACTS)
        self._run = self._resume(experiment, run) or self._begin(experiment, run, told)

    def log(self, figures: dict[str, float], step: int) -> None:
        for name, value in figures.items():
            self._client.log_metric(self._run, name, value, step=step)

    def close(self, *, finished: bool) -> None:
        self._client.set_terminated(self._run, "FINISHED" if finished else "KILLED")

    def _resume(self, experiment: str, run: str) -> str | None:
        runs = self._client.search_runs([experiment], order_by=["attributes.start_time DESC"])
        last = next((one for one in runs if one.info.run_name == run), None)
        if last is None or last.info.status == "FINISHED":
            return None
        self._client.update_run(last.info.run_id, status="RUNNING")
        return str(last.info.run_id)

    def _begin(self, experiment: str, run: str, told: dict[str, str]) -> str:
        # not mlflow.start_run, which asks git and the system for commit, user and program and tags the run with them
        began = self._client.create_run(experiment, run_name=run)
        for name, value in told.items():
            self._client.log_param(began.info.run_id, name, value[:_LONGEST])
        return str(began.info.run_id)


def _connect(store: str) -> Any:  # noqa: ANN401 - MlflowClient, which is heavy to import
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # it would call home
    import mlflow
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from mlflow.telemetry import set_telemetry_client

    set_telemetry_client()  # so that an mlflow that was imported before hears of it
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # each step of making the tables is told otherwise
    # The client makes these tables too, but notes the current directory as the default place of artefacts.
    SqlAlchemyStore(store, _NO_ARTEFACTS).engine.dispose()
    return mlflow.MlflowClient(tracking_uri=store)
