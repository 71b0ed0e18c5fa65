"""Measures a model package on labelled pictures, through its own recipe and its own network."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from models.metrics import measure
from models.predictor import Predictor
from pipelines.flows.labelled import read_labelled
from pipelines.preprocess.steps import apply_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from models.package import ModelPackage


def evaluate(
    package: ModelPackage, data: Path, *, split: str = "test", batch_size: int = 64, threads: int = 1
) -> dict[str, Any]:
    """Measure a package on labelled pictures.

    Args:
        package: What is measured.
        data: A MedMNIST .npz file, or a folder with a sub-folder a class.
        split: Of the .npz file: `train`, `val` or `test`.
        batch_size: Images a forward pass.
        threads: Of the network.

    Returns:
        `package`, `digest`, `data` (a name, no path), `split` (None for a folder) and all of `models.metrics.measure`.

    Raises:
        InputMissingError: There is nothing at `data`.
        LabelError: It cannot be read as labelled pictures, or has only one class.
        DataError: A picture cannot be decoded.
        ModelError: The network does not fit its package.
    """
    logits, truth = run_labelled(package, data, split=split, batch_size=batch_size, threads=threads)
    probability = package.calibration.probabilities(logits)[:, package.metadata.positive_index]
    return {
        "package": package.metadata.name,
        "digest": package.digest,
        "data": data.name,
        "split": None if data.is_dir() else split,
        **measure(probability, truth, package.calibration),
    }


def run_labelled(
    package: ModelPackage, data: Path, *, split: str, batch_size: int = 64, threads: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Logits before calibration, shape [image, class], and truth, shape [image]; see `evaluate`."""
    predictor = Predictor(package, threads=threads)
    pictures = read_labelled(data, split=split, scope=package.metadata)
    logits, truth = [], []
    for batch in _batches(pictures, batch_size):
        inputs = np.stack([apply_recipe(pixels, package.recipe) for pixels, _ in batch])
        logits.append(predictor.run(inputs)[0])
        truth += [positive for _, positive in batch]
    return np.concatenate(logits), np.array(truth)


def _batches(pictures: Iterable[tuple[NDArray[Any], bool]], size: int) -> Iterator[list[tuple[NDArray[Any], bool]]]:
    waiting = iter(pictures)
    while batch := list(islice(waiting, size)):
        yield batch
