"""Trains a network, calibrates and measures it, and writes the package with its card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.calibration import fit_calibration
from models.card import write_card
from models.package import CALIBRATION, CARD, METRICS, PROVENANCE, load_package
from models.packing import open_draft, write_part
from models.recipe import Recipe, standard_recipe
from models.training.draft import draft_package
from models.training.loop import fit_network
from models.training.settings import LabelledSet
from pipelines.flows.evaluate import evaluate, run_labelled
from pipelines.flows.labelled import drop_repeats, read_split
from pipelines.flows.provenance import describe_run
from pipelines.preprocess.steps import apply_recipe
from pipelines.results.disk import disk_errors
from sievert.errors import InputMissingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.metadata import Scope
    from models.networks.compact import CompactNet
    from models.package import ModelPackage
    from models.training.settings import Epoch, TrainingSettings

SIDE_PX = 28
"""Rows and columns that the network reads."""


def train(
    data: Path,
    out: Path,
    *,
    settings: TrainingSettings,
    scope: Scope,
    external: Path | None = None,
    on_epoch: Callable[[Epoch], None],
) -> ModelPackage:
    """Train on a MedMNIST file and write a package.

    The training split is learnt from, less what is equal to an image of another split; the validation split chooses the
    epoch, the temperature, the threshold and the confidence; the test split and the external pictures are measured
    once, when all is chosen.

    Args:
        data: MedMNIST .npz file with the scope's classes.
        out: Folder of the package; a package that is there is replaced, anything else is refused.
        settings: How to train.
        scope: What the package is for.
        external: Folder with a sub-folder a class, to measure with besides.
        on_epoch: Called after each epoch.

    Returns:
        The package, as loaded from `out`.

    Raises:
        InputMissingError: There is nothing at `data` or `external`.
        LabelError: They cannot be used to train or to measure with.
        OutFolderError: Something lies at `out` that is no package.
        StorageError: The package cannot be written.
    """
    if external is not None and not external.is_dir():
        raise InputMissingError(f"there is no folder {external.name!r}")
    recipe = standard_recipe(rows=SIDE_PX, columns=SIDE_PX)
    splits = {split: _read(data, split, recipe, scope) for split in ("train", "val", "test")}
    learnt = drop_repeats(splits["train"], splits["val"], splits["test"])
    provenance = describe_run(data, out, settings, scope=scope, external=external)
    with disk_errors("the model package could not be written"), open_draft(out) as folder:
        network, epochs = fit_network(learnt, splits["val"], settings, classes=len(scope.labels), on_epoch=on_epoch)
        package = _calibrate(draft_package(folder, network, scope, recipe), data)
        provenance |= _describe_training(learnt, splits["train"], epochs, network)
        _document(package, _measure(package, data, external), provenance)
    return load_package(out)


def _read(data: Path, split: str, recipe: Recipe, scope: Scope) -> LabelledSet:
    """A split in the network's size, before the z-score, which comes after augmentation."""
    labelled = read_split(data, split, classes=len(scope.labels))
    until_zscore = Recipe(steps=recipe.steps[:-1])
    images = [apply_recipe(image, until_zscore)[0].astype(np.uint8) for image in labelled.images]
    return LabelledSet(np.stack(images), labelled.labels)


def _calibrate(package: ModelPackage, data: Path) -> ModelPackage:
    labels = read_split(data, "val", classes=len(package.metadata.labels)).labels
    logits, _ = run_labelled(package, data, split="val")
    calibration = fit_calibration(logits, labels, positive=package.metadata.positive_index)
    write_part(package.folder, CALIBRATION, calibration)
    return replace(package, calibration=calibration)


def _measure(package: ModelPackage, data: Path, external: Path | None) -> dict[str, dict[str, Any]]:
    metrics = {"validation": evaluate(package, data, split="val"), "test": evaluate(package, data, split="test")}
    if external is not None:
        metrics["external"] = evaluate(package, external)
    # The digest covers this file, so it cannot stand in it.
    return {name: {k: v for k, v in measured.items() if k != "digest"} for name, measured in metrics.items()}


def _describe_training(
    learnt: LabelledSet, whole: LabelledSet, epochs: list[Epoch], network: CompactNet
) -> dict[str, Any]:
    return {
        "trained_on": len(learnt),
        "left_out": len(whole) - len(learnt),
        "epoch": max(epoch.number for epoch in epochs if epoch.best),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "epochs": [
            {"training_loss": round(epoch.training_loss, 5), "validation_loss": round(epoch.validation_loss, 5)}
            for epoch in epochs
        ],
    }


def _document(package: ModelPackage, metrics: dict[str, dict[str, Any]], provenance: dict[str, Any]) -> None:
    write_part(package.folder, METRICS, metrics)
    write_part(package.folder, PROVENANCE, provenance)
    card = write_card(package.metadata, package.recipe, package.calibration, metrics, provenance)
    write_part(package.folder, CARD, card)
