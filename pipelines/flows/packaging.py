"""From a trained network to a package: exported, calibrated on validation, measured on test, with its card."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from models.calibration import fit_calibration
from models.card import write_card
from models.metrics import measure
from models.package import CALIBRATION, CARD, METRICS, PROVENANCE, load_package
from models.packing import open_draft, write_part
from models.predictor import Predictor
from models.recipe import Recipe, ZScore
from models.training.draft import draft_package
from pipelines.flows.evaluate import evaluate
from pipelines.preprocess.steps import apply_recipe_to_channels
from pipelines.results.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.calibration import Calibration
    from models.metadata import Scope
    from models.networks.classifier import Classifier
    from models.package import ModelPackage
    from models.training.settings import Epoch, LabelledSet, TrainingSettings
    from pipelines.labelled.data import LabelledData

BATCH = 64
"""Images a forward pass."""


@dataclass(frozen=True, slots=True)
class Trained:
    """All that a package is made of.

    Attributes:
        network: In evaluation mode, on the CPU.
        epochs: What was seen while it was trained.
        data: What it was trained on.
        recipe: How its images are prepared.
        scope: What the package is for.
        settings: How it was trained.
        provenance: Of `pipelines.flows.provenance.describe_run`.
        judged: The network by which the validation split was chosen and is told, where `network` has learnt from it.
    """

    network: Classifier
    epochs: list[Epoch]
    data: LabelledData
    recipe: Recipe
    scope: Scope
    settings: TrainingSettings
    provenance: dict[str, Any]
    judged: Classifier | None = None


def write_package(out: Path, trained: Trained, *, external: Path | None = None) -> ModelPackage:
    """Write a package whole, or nothing.

    The validation split chooses temperature, threshold and confidence; the test split and the external pictures are
    measured once, when all is chosen.

    Args:
        out: Folder of the package; a package that is there is replaced, anything else is refused.
        trained: What it is made of.
        external: Labelled pictures to measure with besides.

    Returns:
        The package, as loaded from `out`.

    Raises:
        OutFolderError: Something lies at `out` that is no package.
        StorageError: It cannot be written.
        LabelError: A split cannot be measured with.
    """
    with disk_errors("the model package could not be written"), open_draft(out) as folder:
        package = draft_package(folder, trained.network, trained.scope, trained.recipe)
        predictor = Predictor(package)
        with _judging(trained, predictor) as judge:
            calibration = _calibrate(package, judge, trained.data.validation)
            package = replace(package, calibration=calibration)
            metrics = _measure(package, {"validation": judge, "test": predictor}, trained.data, external)
        provenance = trained.provenance | _describe_training(trained)
        write_part(folder, METRICS, metrics)
        write_part(folder, PROVENANCE, provenance)
        card = write_card(package.metadata, package.recipe, package.calibration, metrics, provenance)
        write_part(folder, CARD, card)
    return load_package(out)


def run_set(predictor: Predictor, labelled: LabelledSet) -> NDArray[np.float32]:
    """Logits before calibration, shape [image, class], of images that are ready but for the z-score."""
    last = Recipe(steps=(ZScore(),))
    parts = np.array_split(labelled.images, max(1, -(-len(labelled) // BATCH)))
    batches = (np.stack([apply_recipe_to_channels(image, last) for image in part]) for part in parts)
    return np.concatenate([predictor.run(batch)[0] for batch in batches])


@contextmanager
def _judging(trained: Trained, predictor: Predictor) -> Iterator[Predictor]:
    """What speaks for the validation split: a network that has not learnt from it."""
    if trained.judged is None:
        yield predictor
        return
    with TemporaryDirectory() as aside:
        yield Predictor(draft_package(Path(aside), trained.judged, trained.scope, trained.recipe))


def _calibrate(package: ModelPackage, predictor: Predictor, validation: LabelledSet) -> Calibration:
    logits = run_set(predictor, validation)
    calibration = fit_calibration(logits, validation.labels, positive=package.metadata.positive_index)
    write_part(package.folder, CALIBRATION, calibration)
    return calibration


def _measure(
    package: ModelPackage, predictors: dict[str, Predictor], data: LabelledData, external: Path | None
) -> dict[str, dict[str, Any]]:
    metrics = {
        name: {
            "data": data.name,
            "split": name,
            "near_duplicates_in_training": data.leaks.get(name, 0),
            **_measure_set(package, predictors[name], labelled),
        }
        for name, labelled in (("validation", data.validation), ("test", data.test))
    }
    if external is not None:
        # the digest covers this file, so it cannot stand in it
        metrics["external"] = {k: v for k, v in evaluate(package, external).items() if k not in {"digest", "package"}}
    return metrics


def _measure_set(package: ModelPackage, predictor: Predictor, labelled: LabelledSet) -> dict[str, Any]:
    probabilities = package.calibration.probabilities(run_set(predictor, labelled))
    return measure(probabilities, labelled.labels, package.calibration, positive=package.metadata.positive_index)


def _describe_training(trained: Trained) -> dict[str, Any]:
    kept = [epoch.number for epoch in trained.epochs if epoch.best] or [len(trained.epochs)]
    return {
        "trained_on": len(trained.data.train),
        "learnt_again_from": len(trained.data.train) + len(trained.data.validation) if trained.judged else None,
        "left_out": trained.data.left_out,
        "epoch": kept[-1] if trained.settings.keep == "best" else len(trained.epochs),
        "parameters": sum(parameter.numel() for parameter in trained.network.parameters()),
        "epochs": [
            {
                "training_loss": round(epoch.training_loss, 5),
                "validation_loss": round(epoch.validation_loss, 5),
                "validation_accuracy": round(epoch.validation_accuracy, 5),
            }
            for epoch in trained.epochs
        ],
    }
