"""What each part of the hybrid brings: cross-validation with one thing changed at a time.

Folds are cut from the training and the validation split together; the test split takes no part. Every variant sees the
same folds, seeds and passes. Figures are of the images left out, all folds together; differences to the hybrid as it is
come with the 95 % interval of a paired bootstrap over images. Reads `breastmnist.npz` of the shared data (`../shared`,
or `SIEVERT_SHARED`) unless told another set.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cohorts import SHARED

from models.metrics.curves import trace
from models.metrics.points import auroc
from models.metrics.resampling import interval, resample
from models.networks.spec import NetworkSpec
from models.training.choices import apply_values
from models.training.settings import AugmentSettings, LabelledSet, TrainingSettings
from pipelines.flows.train import TrainingOrder, read_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from models.networks.classifier import Classifier

    Probabilities = NDArray[np.float32]

VARIANTS: dict[str, dict[str, object]] = {
    "as it is": {},
    "no attention": {"network.attention": False},
    "no squeeze-and-excitation": {"network.squeeze": False},
    "stochastic depth .1": {"network.drop_path": 0.1},
    "half the channels": {"network.widths": (12, 24, 48, 64)},
    "twice the channels": {"network.widths": (48, 96, 192, 256)},
    "no augmentation": {
        "augment.rotation_deg": 0, "augment.scale": 0, "augment.shift": 0, "augment.gamma": 0, "augment.noise": 0,
        "augment.flip": False,
    },
    "no averaged weights": {"training.ema_decay": 0},
    "mixup .3": {"training.mixup": 0.3},
}  # fmt: skip
"""One change each, by the names that `--set` takes."""


@dataclass(frozen=True, slots=True)
class Task:
    """One training.

    Attributes:
        pool: Everything that folds are cut from.
        rest: Shape [image], numbers of the images in the pool that are learnt from.
        held: Shape [image], numbers of those that are left out.
        changes: Of the variant.
        epochs: Passes over the images.
        seed: Of the training.
    """

    pool: LabelledSet
    rest: NDArray[np.int64]
    held: NDArray[np.int64]
    changes: Mapping[str, object]
    epochs: int
    seed: int


def predict_held(task: Task) -> Probabilities:
    """Train on the rest; probability of class 1 of the images left out, mean over the views `both`, shape [image]."""
    from models.training.loop import fit_network

    rest, held = _part(task.pool, task.rest), _part(task.pool, task.held)
    spec = NetworkSpec(arch="hybrid", shape=task.pool.images.shape[2:], views="both")
    base = TrainingSettings(threads=1, epochs=task.epochs, seed=task.seed, keep="last")
    spec, settings = apply_values(spec, base, task.changes)
    network, _ = fit_network(rest, held, spec, settings, on_epoch=lambda _: None)
    return _predict(network, held)


def _part(pool: LabelledSet, chosen: NDArray[np.int64]) -> LabelledSet:
    return LabelledSet(pool.images[chosen], pool.labels[chosen])


def _predict(network: Classifier, held: LabelledSet) -> Probabilities:
    import torch

    from models.networks.views import looking
    from models.training.source import held_out

    images, _ = held_out(held, AugmentSettings(), torch.device("cpu"))
    with torch.no_grad():
        logits = looking(network)(images)[0]
    told: Probabilities = logits.softmax(1)[:, 1].numpy()
    return told


def cross_validate(pool: LabelledSet, *, folds: int, seeds: int, epochs: int, cores: int) -> dict[str, Probabilities]:
    """Probabilities of class 1 of every image by a network that did not see it, by variant, shape [seed, image]."""
    from sklearn.model_selection import StratifiedKFold

    cuts = list(StratifiedKFold(folds, shuffle=True, random_state=1).split(pool.images, pool.labels))
    told = {name: np.zeros((seeds, len(pool)), np.float32) for name in VARIANTS}
    places = [(name, seed, cut) for name in VARIANTS for seed in range(seeds) for cut in cuts]
    tasks = [Task(pool, rest, held, VARIANTS[name], epochs, seed) for name, seed, (rest, held) in places]
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as workers:
        for (name, seed, (_, held)), found in zip(places, workers.map(predict_held, tasks), strict=True):
            told[name][seed, held] = found
    return told


def describe(told: Mapping[str, Probabilities], truth: NDArray[np.int64]) -> Iterator[str]:
    """A Markdown table: AUC, accuracy, and by how much they differ from the first row."""
    yield "| variant | AUC | accuracy | AUC, difference | accuracy, difference |"
    yield "|---|---|---|---|---|"
    first = next(iter(told.values()))
    for name, found in told.items():
        points = np.mean([auroc(one, truth == 1) for one in found]), np.mean((found >= 0.5) == truth)  # noqa: PLR2004
        differences = ("", "") if found is first else _differences(found, first, truth)
        yield f"| {name} | {points[0]:.3f} | {points[1]:.3f} | {' | '.join(differences)} |"


def _differences(one: Probabilities, other: Probabilities, truth: NDArray[np.int64]) -> tuple[str, str]:
    def figures(counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        areas = [np.mean([trace(told, truth == 1, counts).auroc() for told in many], 0) for many in (one, other)]
        right = [((many >= 0.5) == truth).mean(0) for many in (one, other)]  # noqa: PLR2004 - the larger of two
        return {"auc": areas[0] - areas[1], "accuracy": counts @ (right[0] - right[1]) / len(truth)}

    point, spread = figures(np.ones((1, len(truth)), np.int64)), resample(truth, figures, seed=0)
    return _told(point["auc"], spread["auc"]), _told(point["accuracy"], spread["accuracy"])


def _told(point: NDArray[np.float64], spread: NDArray[np.float64]) -> str:
    low, high = interval(spread) or (float("nan"), float("nan"))
    return f"{point[0]:+.3f} ({low:+.3f} to {high:+.3f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "medmnist" / "breastmnist.npz")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--cores", type=int, default=2)
    asked = parser.parse_args()
    read = read_order(asked.data, TrainingOrder())
    images = np.concatenate([read.train.images, read.validation.images])
    pool = LabelledSet(images, np.concatenate([read.train.labels, read.validation.labels]))
    told = cross_validate(pool, folds=asked.folds, seeds=asked.seeds, epochs=asked.epochs, cores=asked.cores)
    print(f"{len(pool)} images of {read.name}, {asked.folds} folds, {asked.seeds} seed(s), {asked.epochs} passes")
    print("\n".join(describe(told, pool.labels)))


if __name__ == "__main__":
    main()
