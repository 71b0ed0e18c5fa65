"""Measures a model package on labelled images, through its own recipe and its own network."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from models.metrics import RESAMPLES, Judged, compare, judge, measure_judged, measure_subgroups
from models.metrics.judged import BINARY
from models.predictor import Predictor
from pipelines.labelled.iterating import has_own_splits, iterate_labelled
from pipelines.labelled.listing import TEST, split_of
from sievert.errors import LabelError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.package import ModelPackage

    Image = tuple[NDArray[np.float32], int, dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was found, and what it was found from.

    Attributes:
        answer: As `evaluate` returns it.
        judged: What the package said of each image.
        rival: What the other package said of the same images, where there is one.
    """

    answer: dict[str, Any]
    judged: Judged
    rival: Judged | None = None


class Options(TypedDict, total=False):
    """The options of `examine`, which says what they mean."""

    split: str | None
    batch_size: int
    threads: int
    against: ModelPackage | None
    by: Sequence[str]


def evaluate(package: ModelPackage, data: Path, **options: Unpack[Options]) -> dict[str, Any]:
    """Measure a package on labelled images; arguments and errors are those of `examine`.

    Returns:
        `package`, `digest`, `data` (a name, no path), `split` (None: all of the set), `labels`, `positive_label`,
        `threshold`, `min_confidence`, `resamples`, `unreadable` (images that were passed over) and all of
        `models.metrics.measure_judged`; `subgroups`, a table a column; `comparison`, None or what
        `models.metrics.compare` found, with the other's name `against` and `digest`.
    """
    return examine(package, data, **options).answer


def examine(  # noqa: PLR0913 - each is an option of the command
    package: ModelPackage,
    data: Path,
    *,
    split: str | None = None,
    batch_size: int = 64,
    threads: int = 1,
    against: ModelPackage | None = None,
    by: Sequence[str] = (),
) -> Evaluation:
    """Measure a package on labelled images, and keep what it said of each.

    Args:
        package: What is measured.
        data: A MedMNIST .npz file, a folder with a sub-folder a class, or a manifest with labels. For a package of two
            classes, every label that is not the positive one counts as negative.
        split: `train`, `val` or `test`; a set that names no splits is split as training would split it. None: `test`
            where the set names splits, else all of it.
        batch_size: Images a forward pass.
        threads: Of the network.
        against: Another package to compare with, of the same labels.
        by: Columns of the manifest to make a table of subgroups of.

    Raises:
        InputMissingError: There is nothing at `data`.
        ManifestError: The manifest cannot be understood.
        LabelError: It cannot be read as labelled images, has only one class, or no such split or column.
        ModelError: A network does not fit its package, or `against` tells other classes apart.
    """
    _check_alike(package, against)
    labelled = _Set(data, choose_split(data, split), batch_size, threads)
    said = labelled.run(package)
    judged, rival, comparison = said.judged(package), None, None
    groups = measure_subgroups(judged, _pick(said.columns, by))
    if against is not None:
        rival = labelled.run(against).judged(against)
        comparison = {**_name(against, "against"), **compare(judged, rival)}
    about = {**_describe(package, labelled), "unreadable": said.unreadable}
    answer = {**about, **measure_judged(judged), "subgroups": groups, "comparison": comparison}
    return Evaluation(answer, judged, rival)


def run_labelled(
    package: ModelPackage, data: Path, *, split: str | None = None, batch_size: int = 64, threads: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits before calibration, shape [image, class], and class numbers, shape [image]; see `examine`."""
    said = _Set(data, choose_split(data, split), batch_size, threads).run(package)
    return said.logits, said.truth


def choose_split(data: Path, split: str | None) -> str | None:
    """The split that is meant: the named one; else the test split, or all where the set names no splits.

    Raises:
        LabelError: There is no split of that name.
    """
    if split is None:
        return TEST if has_own_splits(data) else None
    named = split_of(split)
    if named is None:
        raise LabelError(f"a split is train, val or test, not {split!r}", remedy="Name another --split.")
    return named


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What a network said of a set; rows of `columns` are those of the manifest, image by image."""

    logits: NDArray[np.float32]
    truth: NDArray[np.int64]
    columns: dict[str, NDArray[Any]]
    unreadable: int

    def judged(self, package: ModelPackage) -> Judged:
        probabilities = package.calibration.probabilities(self.logits)
        return judge(probabilities, self.truth, package.calibration, positive=package.metadata.positive_index)


@dataclass(frozen=True, slots=True)
class _Set:
    """A labelled set, and how a network runs over it."""

    data: Path
    split: str | None
    batch_size: int
    threads: int

    def run(self, package: ModelPackage) -> _Said:
        predictor, unreadable = Predictor(package, threads=self.threads), list[str]()
        logits: list[NDArray[np.float32]] = []
        truth: list[int] = []
        rows: list[dict[str, Any]] = []
        for batch in _batches(self._images(package, unreadable), self.batch_size):
            logits.append(predictor.run(np.stack([image for image, _, _ in batch]))[0])
            truth += [number for _, number, _ in batch]
            rows += [row for _, _, row in batch]
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return _Said(np.concatenate(logits), np.array(truth, dtype=np.int64), columns, len(unreadable))

    def _images(self, package: ModelPackage, unreadable: list[str]) -> Iterator[Image]:
        metadata = package.metadata
        return iterate_labelled(
            self.data,
            split=self.split,
            recipe=package.recipe,
            labels=metadata.labels,
            channels=metadata.channels,
            unknown_as=1 - metadata.positive_index if len(metadata.labels) == BINARY else None,
            on_unreadable=unreadable.append,
        )


def _batches(images: Iterable[Image], size: int) -> Iterator[list[Image]]:
    waiting = iter(images)
    while batch := list(islice(waiting, size)):
        yield batch


def _pick(columns: dict[str, NDArray[Any]], by: Sequence[str]) -> dict[str, NDArray[Any]]:
    missing = [name for name in by if name not in columns]
    if missing:
        there = ", ".join(sorted(columns)) or "none: only a manifest has columns"
        raise LabelError(f"the set has no column {missing[0]!r}", remedy=f"Name one of its columns ({there}).")
    return {name: columns[name] for name in by}


def _check_alike(package: ModelPackage, against: ModelPackage | None) -> None:
    if against is None:
        return
    ours, theirs = (one.metadata for one in (package, against))
    if (ours.labels, ours.positive_index) != (theirs.labels, theirs.positive_index):
        raise ModelError(
            f"{ours.name} and {theirs.name} do not tell the same classes apart",
            remedy="Compare packages with the same labels in the same order.",
        )


def _describe(package: ModelPackage, labelled: _Set) -> dict[str, Any]:
    return {
        **_name(package, "package"),
        "data": labelled.data.name,
        "split": labelled.split,
        "labels": list(package.metadata.labels),
        "positive_label": package.metadata.positive_label,
        "threshold": package.calibration.threshold,
        "min_confidence": package.calibration.min_confidence,
        "resamples": RESAMPLES,
    }


def _name(package: ModelPackage, role: str) -> dict[str, str]:
    return {role: package.metadata.name, "digest": package.digest}
