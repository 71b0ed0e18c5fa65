"""Runs one training on Ray Train, on any number of workers, and comes back with the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.flows.training.board import open_board
from pipelines.flows.training.start import Prior
from pipelines.flows.training.storage import RunStorage, name_run
from pipelines.flows.training.worker import STATE, train_worker
from sievert.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.networks.classifier import Classifier
    from models.networks.spec import NetworkSpec
    from models.training.settings import Epoch, LabelledSet, TrainingSettings
    from pipelines.flows.training.board import Follower

MOST_FAILURES = 8
"""Workers or nodes that may die before a training is given up."""

KEPT_CHECKPOINTS = 2
"""The last one, and the one before, in case the last is being written when the machine goes."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who trains.

    Attributes:
        fewest: Workers without which nothing starts.
        most: Workers at most; above `fewest`, as many as the cluster has room for, changing as nodes come and go.
        storage: Folder or URI for checkpoints, reached by every node.
    """

    fewest: int
    most: int
    storage: str


class RayTraining:
    """A training that outlives its workers and its driver.

    Args:
        crew: Who trains, and where state is kept.
        follower: Hears of epochs and of what the reader should know.
    """

    def __init__(self, crew: Crew, follower: Follower) -> None:
        self._crew, self.follower = crew, follower

    @property
    def storage(self) -> str:
        """Folder or URI where state is kept."""
        return self._crew.storage

    def fit(
        self,
        train: LabelledSet,
        validation: LabelledSet,
        spec: NetworkSpec,
        settings: TrainingSettings,
        *,
        digest: str,
        prior: Prior | None = None,
    ) -> tuple[Classifier, list[Epoch]]:
        """Train, or go on where the same training was interrupted.

        Args:
            train: What is learnt from.
            validation: What the choice of the epoch goes by.
            spec: The network.
            settings: Everything else.
            digest: Of the data.
            prior: What the network builds on; None: nothing.

        Returns:
            The network, in evaluation mode, and every epoch's figures.

        Raises:
            ClusterError: No Ray session can be opened, or it was lost.
            TrainingError: It cannot go on.
            StorageError: State cannot be written.
        """
        storage = RunStorage(self._crew.storage)
        sets = f"sets-{digest[:16]}-{'x'.join(map(str, train.images.shape[1:]))}.npz"
        storage.save_sets(sets, train, validation)
        prior = prior or Prior()
        task = {
            "storage": storage.root,
            "sets": sets,
            "spec": spec.model_dump(mode="json"),
            "settings": settings.model_dump(mode="json"),
            **_send(prior, storage),
        }
        name = name_run(digest, spec, settings, start=prior.digest)
        return _finish(self.run(train_worker, task, threads=settings.threads, name=name), spec, settings)

    def run(
        self, worker: Callable[[dict[str, Any]], None], task: dict[str, Any], *, threads: int, name: str
    ) -> dict[str, Any]:
        """Run workers to the end, from the last checkpoint of that name where there is one.

        Args:
            worker: What each does.
            task: What it is given, besides the board.
            threads: Cores that each may use.
            name: Of the run; the same for the same work only.

        Returns:
            The state that the last checkpoint holds.
        """
        import ray
        from ray.train.torch import TorchTrainer

        with open_board(self.follower) as board:
            trainer = TorchTrainer(
                worker,
                train_loop_config={**task, "board": board},
                scaling_config=self._scaling(threads, ray.cluster_resources()),
                run_config=self._run_config(name),
            )
            try:
                result = trainer.fit()
            except ray.train.v2.api.exceptions.TrainingFailedError as error:
                raise self.follower.failure or TrainingError(_summarise(error)) from error
        if self.follower.failure is not None:
            raise self.follower.failure
        return _read_state(result)

    def _scaling(self, threads: int, resources: dict[str, float]) -> Any:  # noqa: ANN401 - Ray's type
        from ray.train import ScalingConfig

        crew = self._crew
        gpu = resources.get("GPU", 0) >= crew.fewest
        # A worker that asks for more cores than a node has would wait for ever.
        cores = max(1, min(threads, int(resources.get("CPU", 1)) // crew.fewest))
        return ScalingConfig(
            num_workers=crew.fewest if crew.most == crew.fewest else (crew.fewest, crew.most),
            use_gpu=gpu,
            resources_per_worker={"CPU": cores, **({"GPU": 1} if gpu else {})},
        )

    def _run_config(self, name: str) -> Any:  # noqa: ANN401 - Ray's type
        from ray.train import CheckpointConfig, FailureConfig, RunConfig

        return RunConfig(
            name=name,
            storage_path=self._crew.storage,
            failure_config=FailureConfig(max_failures=MOST_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=KEPT_CHECKPOINTS),
        )


def _send(prior: Prior, storage: RunStorage) -> dict[str, Any]:
    """Put weights where workers find them; their names there, for the task."""
    if prior.start is not None:
        storage.save(prior.start.name, prior.start.content)
    teachers = []
    for number, teacher in enumerate(prior.teachers):
        name = f"teacher-{number}-{teacher.weights.name}"
        storage.save(name, teacher.weights.content)
        teachers.append({"spec": teacher.spec.model_dump(mode="json"), "weights": name})
    return {"start": prior.start.name if prior.start else None, "teachers": teachers}


def _read_state(result: Any) -> dict[str, Any]:  # noqa: ANN401 - Ray's type
    import torch

    if result.checkpoint is None:
        raise TrainingError("the training ended without a checkpoint")
    with result.checkpoint.as_directory() as folder:
        state: dict[str, Any] = torch.load(Path(folder) / STATE, map_location="cpu", weights_only=True)
    return state


def _finish(state: dict[str, Any], spec: NetworkSpec, settings: TrainingSettings) -> tuple[Classifier, list[Epoch]]:
    from models.networks.registry import build_network
    from models.training.loop import chosen_weights
    from models.training.settings import Epoch

    network = build_network(spec)
    network.load_state_dict(chosen_weights(state, keep=settings.keep))
    return network.eval(), [Epoch(**epoch) for epoch in state["epochs"]]


def _summarise(error: BaseException) -> str:
    failure = getattr(error, "controller_failure", None)
    if failure is not None:
        return f"the training could not be run ({type(failure).__name__})"
    kinds = sorted({type(one).__name__ for one in getattr(error, "worker_failures", {}).values()})
    return f"the workers failed {MOST_FAILURES + 1} times{f' ({chr(44).join(kinds)})' if kinds else ''}"
