"""What one worker of Ray Train does: trains, and hands its state over after each epoch."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from models.networks.spec import NetworkSpec
from models.training.settings import TrainingSettings
from pipelines.flows.training.start import Start, Teacher
from pipelines.flows.training.storage import RunStorage
from sievert.errors import SievertError
from sievert.errortext import write_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.networks.classifier import Classifier
    from models.training.loop import Training

STATE = "state.pt"
"""File of a checkpoint."""


class Resumable(Protocol):
    """What a worker asks of a training, or of a pre-training."""

    epochs: list[Any]
    """Records of figures, of those that are done."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""

    def run_epoch(self) -> Any:  # noqa: ANN401 - a record of figures
        """Do the next epoch."""

    def state(self) -> dict[str, Any]:
        """All that the rest depends on."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""


def train_worker(task: dict[str, Any]) -> None:
    """Train to the end, or from the last checkpoint to the end.

    Args:
        task: `storage`, `sets`, `spec`, `settings`, `start`, `teachers` and `board`; see
            `pipelines.flows.training.run`.
    """
    work(task, _open)


def work(task: dict[str, Any], begin: Callable[[dict[str, Any]], Resumable]) -> None:
    """Run all epochs, or those after the last checkpoint.

    An error of ours is told to the board and ends this worker well: a batch that diverges would do so again, so Ray
    must not try again. Where others may be waiting for this worker it ends badly, so that Ray ends them too; started
    anew, all find on the board that they need not go on.

    Args:
        task: Has at least a `board`.
        begin: Given the task, makes the training before its first epoch.
    """
    import ray
    import ray.train

    if ray.get(task["board"].has_failed.remote()):
        return
    try:
        _run(task, begin)
    except SievertError as error:
        ray.get(task["board"].put.remote("error", write_error(error)))
        if ray.train.get_context().get_world_size() > 1:
            raise


def _run(task: dict[str, Any], begin: Callable[[dict[str, Any]], Resumable]) -> None:
    import ray.train

    training = begin(task)
    first = ray.train.get_context().get_world_rank() == 0
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is not None:
        _restore(training, checkpoint)
        if first:
            task["board"].put.remote("line", f"goes on after epoch {len(training.epochs)}")
    while not training.finished:
        epoch = training.run_epoch()
        _report(training, epoch, first=first)
        if first:
            task["board"].put.remote("epoch", asdict(epoch))


def _open(task: dict[str, Any]) -> Training:
    from models.training.loop import Training

    storage = RunStorage(task["storage"])
    train, validation = storage.load_sets(task["sets"])
    start = Start(task["start"], storage.load(task["start"])) if task["start"] else None
    return Training(
        train,
        validation,
        NetworkSpec.model_validate(task["spec"]),
        TrainingSettings.model_validate(task["settings"]),
        start=start.load if start else None,
        teachers=[_build_teacher(told, storage) for told in task["teachers"]],
        says=lambda line: task["board"].put.remote("line", line),
    )


def _build_teacher(told: dict[str, Any], storage: RunStorage) -> Classifier:
    weights = Start(told["weights"], storage.load(told["weights"]))
    return Teacher(NetworkSpec.model_validate(told["spec"]), weights).build()


def _restore(training: Resumable, checkpoint: Any) -> None:  # noqa: ANN401 - Ray ships no types
    import torch

    with checkpoint.as_directory() as folder:
        training.restore(torch.load(Path(folder) / STATE, map_location="cpu", weights_only=True))


def _report(training: Resumable, epoch: Any, *, first: bool) -> None:  # noqa: ANN401 - a record of figures
    """Every worker reports, the first one with the state."""
    import ray.train
    import torch

    if not first:
        ray.train.report(asdict(epoch))
        return
    with tempfile.TemporaryDirectory() as folder:
        torch.save(training.state(), Path(folder) / STATE)
        ray.train.report(asdict(epoch), checkpoint=ray.train.Checkpoint.from_directory(folder))
