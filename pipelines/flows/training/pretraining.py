"""Pre-training on Ray Train: what a worker does, how the driver follows it, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.networks.spec import NetworkSpec
from models.pretraining.settings import PretrainEpoch, PretrainSettings
from pipelines.flows.training.board import Follower
from pipelines.flows.training.run import Crew, RayTraining
from pipelines.flows.training.storage import RunStorage, name_run
from pipelines.flows.training.worker import work

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from models.pretraining.simclr import Pretraining
    from models.training.settings import LabelledSet


class PretrainFollower(Follower):
    """What the driver does with what it hears of a pre-training.

    Args:
        on_epoch: Called after each epoch, in order.
        says: Told what the reader should know.
    """

    def __init__(self, on_epoch: Callable[[PretrainEpoch], None], says: Callable[[str], None]) -> None:
        super().__init__(lambda _: None, says)
        self._tell = on_epoch

    def hears(self, messages: list[tuple[str, Any]]) -> None:
        """Pass messages on."""
        for kind, message in messages:
            if kind == "epoch":
                self._tell(PretrainEpoch(**message))
            else:
                super().hears([(kind, message)])


def pretrain_worker(task: dict[str, Any]) -> None:
    """Pre-train to the end, or from the last checkpoint to the end.

    Args:
        task: `storage`, `sets`, `spec`, `settings` and `board`.
    """
    work(task, _open)


def fit_body(
    pictures: LabelledSet,
    spec: NetworkSpec,
    settings: PretrainSettings,
    *,
    digest: str,
    crew: Crew,
    follower: PretrainFollower,
) -> tuple[dict[str, Tensor], list[PretrainEpoch]]:
    """Pre-train, or go on where the same pre-training was interrupted; an open Ray session is used.

    Args:
        pictures: What is learnt from; its labels are not looked at.
        spec: The network.
        settings: Everything else.
        digest: Of the images.
        crew: Who does it, and where state is kept.
        follower: Hears of epochs.

    Returns:
        The body's tensors, named as in a `Classifier`, and every epoch's figures.

    Raises:
        ClusterError: No Ray session is open, or it was lost.
        TrainingError: It cannot go on.
        StorageError: State cannot be written.
    """
    from models.pretraining.contrast import BODY

    sets = f"pictures-{digest[:16]}.npz"
    none = type(pictures)(pictures.images[:0], pictures.labels[:0])
    RunStorage(crew.storage).save_sets(sets, pictures, none)
    told = {"spec": spec.model_dump(mode="json"), "settings": settings.model_dump(mode="json")}
    task = {"storage": crew.storage, "sets": sets, **told}
    name = f"pretraining-{name_run(digest, spec, settings, start=None)}"
    state = RayTraining(crew, follower).run(pretrain_worker, task, threads=settings.threads, name=name)
    weights = {key: one.contiguous() for key, one in state["network"].items() if key.startswith(BODY)}
    return weights, [PretrainEpoch(**epoch) for epoch in state["epochs"]]


def _open(task: dict[str, Any]) -> Pretraining:
    from models.pretraining.simclr import Pretraining

    pictures, _ = RunStorage(task["storage"]).load_sets(task["sets"])
    spec = NetworkSpec.model_validate(task["spec"])
    return Pretraining(pictures, spec, PretrainSettings.model_validate(task["settings"]))
