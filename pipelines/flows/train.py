"""Trains a network of the zoo, calibrates and measures it, and writes the package with its card."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec, Option
from models.packing import check_out
from models.recipes import STANDARD, find_recipe
from models.training.scopes import scope_for
from models.training.settings import TrainingSettings
from pipelines.flows.packaging import Trained, write_package
from pipelines.flows.provenance import describe_run
from pipelines.flows.refitting import digest_again, join_splits, settings_again
from pipelines.flows.retrain import train_to_threshold
from pipelines.flows.training.run import Crew, RayTraining
from pipelines.flows.training.start import Prior, find_start, find_teacher
from pipelines.flows.training.storage import RunStorage
from pipelines.labelled.reading import read_labelled_data
from sievert.errors import InputMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from models.metadata import Scope
    from models.networks.classifier import Classifier
    from models.networks.views import Views
    from models.package import ModelPackage
    from models.recipe import Recipe
    from models.training.settings import Epoch
    from pipelines.flows.training.board import Follower
    from pipelines.labelled.data import LabelledData


@dataclass(frozen=True, slots=True)
class TrainingOrder:
    """What is to be trained.

    Attributes:
        arch: Name in the zoo.
        shape: What the network reads, in pixels: rows and columns, or slices, rows and columns.
        channels: Of the images.
        options: The architecture's own.
        prepared: Name or file of the recipe, see `models.recipes`.
        views: Over what predictions are averaged, see `models.networks.views`.
        settings: How it is trained.
        scope: What the package is for; None: what is known of the data.
        init: A package, a pre-trained body or a file of weights to start from.
        teachers: Packages that give part of the targets.
        external: Labelled pictures to measure with besides.
        threshold: Validation accuracy below which it is tuned and trained again; None: never.
        trials: Of that tuning.
        fixed: Settings that it leaves alone, by dotted name: the user chose them.
        notes: What provenance tells besides.
    """

    arch: str = "hybrid"
    shape: tuple[int, ...] = (28, 28)
    channels: int = 1
    options: dict[str, Option] = field(default_factory=dict)
    prepared: str = STANDARD
    views: Views = "plain"
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    scope: Scope | None = None
    init: Path | None = None
    teachers: tuple[Path, ...] = ()
    external: Path | None = None
    threshold: float | None = None
    trials: int = 16
    fixed: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def recipe(self) -> Recipe:
        """How images are prepared, by name or file.

        Raises:
            ConfigError: There is no such recipe, or it is not for that shape.
        """
        return find_recipe(self.prepared, self.shape)

    def spec(self, classes: int) -> NetworkSpec:
        """The network for so many classes, all its options filled in.

        Raises:
            UnknownArchitectureError: The zoo has no such network.
            NetworkInputError: It does not read such images, or has no such option.
        """
        asked = NetworkSpec(
            arch=self.arch,
            shape=self.shape,
            channels=self.channels,
            classes=classes,
            options=self.options,
            views=self.views,
        )
        return build_network(asked).spec


def train(data: Path, out: Path, order: TrainingOrder, *, crew: Crew, follower: Follower) -> ModelPackage:
    """Train on labelled images, on Ray, and write a package; the same call goes on after an interruption.

    The training split is learnt from; the validation split chooses the epoch, the temperature, the threshold and the
    confidence, and may then be learnt from, too (`refit`); the test split and the external pictures are measured once,
    when all is chosen.

    Args:
        data: A MedMNIST .npz file, a folder with a sub-folder a class, or a manifest; see `pipelines.labelled`.
        out: Folder of the package; a package that is there is replaced, anything else is refused.
        order: What is to be trained.
        crew: Who trains; its storage is removed when the package is written.
        follower: Hears of epochs and of what the reader should know.

    Returns:
        The package, as loaded from `out`.

    Raises:
        InputMissingError: There is nothing at `data` or `external`.
        LabelError: They cannot be used to train or to measure with.
        UnknownArchitectureError: The zoo has no such network.
        NetworkInputError: Network, settings and images do not fit each other.
        TrainingError: The training cannot go on.
        OutFolderError: Something lies at `out` that is no package.
        StorageError: State or package cannot be written.
        ClusterError: No Ray session is open.
    """
    check_out(out)
    if order.external is not None and not order.external.exists():
        raise InputMissingError(f"there is no folder {order.external.name!r}")
    order.spec(classes=2)  # refuse what cannot be built before much is read
    read = read_order(data, order)
    prior = find_prior(order, classes=len(read.labels))
    training = RayTraining(crew, follower)
    done, (network, epochs) = train_to_threshold(read, order, training, prior=prior)
    trained = gather(done, read, network, epochs, out=out, prior=prior)
    if done.settings.refit:
        trained = replace(trained, network=_fit_again(trained, training, prior), judged=network)
    package = write_package(out, trained, external=order.external)
    RunStorage(crew.storage).remove()
    return package


def _fit_again(trained: Trained, training: RayTraining, prior: Prior) -> Classifier:
    training.follower.says("learning once more, from the validation split too")
    data, settings = trained.data, settings_again(trained.settings, trained.epochs)
    sets = (join_splits(data), data.validation)
    return training.fit(*sets, trained.network.spec, settings, digest=digest_again(data.digest), prior=prior)[0]


def read_order(data: Path, order: TrainingOrder) -> LabelledData:
    """Read the data as the order wants it; see `read_labelled_data` for what may be raised."""
    labels = order.scope.labels if order.scope else None
    return read_labelled_data(data, recipe=order.recipe(), labels=labels, channels=order.channels)


def find_prior(order: TrainingOrder, *, classes: int) -> Prior:
    """Read what the order's training builds on.

    Args:
        order: What was asked for.
        classes: That the network tells apart.

    Raises:
        ModelMissingError: There is no such package or file.
        ModelError: It cannot be used.
        NetworkInputError: A teacher reads or tells something else.
    """
    start = find_start(order.init) if order.init else None
    return Prior(start, tuple(find_teacher(model, order.spec(classes)) for model in order.teachers))


def gather(
    order: TrainingOrder,
    data: LabelledData,
    network: Classifier,
    epochs: list[Epoch],
    *,
    out: Path,
    prior: Prior,
) -> Trained:
    """Put together what a package is made of.

    Args:
        order: What was asked for.
        data: What was trained on.
        network: What came out.
        epochs: What was seen meanwhile.
        out: Folder of the package; only its name is told.
        prior: What the training built on.
    """
    return Trained(
        network=network,
        epochs=epochs,
        data=data,
        recipe=order.recipe(),
        scope=order.scope or scope_for(data.name, data.labels),
        settings=order.settings,
        provenance=describe_run(order, data, network.spec, out=out, prior=prior),
    )
