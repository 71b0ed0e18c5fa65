"""Reads a labelled set whole, for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.training.settings import LabelledSet
from pipelines.cohort.manifests import MANIFEST_SUFFIXES
from pipelines.labelled.arrays import list_arrays
from pipelines.labelled.data import LabelledData, digest_pixels, digest_set, find_first
from pipelines.labelled.files import list_table
from pipelines.labelled.folders import read_folder
from pipelines.labelled.listing import SPLITS, TEST, TRAIN, VALIDATION, Unreadable, check_channels, check_two_classes
from pipelines.labelled.manifests import read_labelled_manifest
from pipelines.labelled.splitting import assign_splits
from pipelines.preprocess.likeness import fingerprint, near_duplicates
from pipelines.preprocess.steps import prepare_channels
from sievert.errors import InputMissingError, LabelError
from sievert.records import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.recipe import Recipe
    from pipelines.labelled.files import Table
    from pipelines.labelled.listing import Listing
    from pipelines.preprocess.likeness import Fingerprint


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The readable pictures: their numbers in the listing, what the recipe made of them, digests, and fingerprints."""

    numbers: NDArray[np.int64]
    images: NDArray[np.uint8]
    contents: list[bytes]
    pixels: list[bytes]
    prints: list[Fingerprint]


def read_labelled_data(
    data: Path, *, recipe: Recipe, labels: tuple[str, ...] | None = None, channels: int = 1, seed: int = 0
) -> LabelledData:
    """Read a labelled set for training: splits, pictures, classes.

    Where the set names no splits, it is split by patient (see `assign_splits`): 70 % train, 10 % validation, 20 % test.
    Training pictures whose pixels are equal to those of another picture are dropped; near-duplicates never lie on both
    sides of a split that is made here, and are counted where the set's own split has them so.

    Args:
        data: A MedMNIST .npz file; a folder with a sub-folder a class (PNG, JPEG, DICOM, NIfTI), or with one a split
            above them; or a manifest, CSV or Parquet, with the columns `source` and `label`.
        recipe: Done up to, not including, the z-score; where its resize has slices, the set is one of volumes.
        labels: Names of the classes in order, for instance a package's; None: the set's own.
        channels: Of the images; 3 keeps the colours of a .npz file, grey pictures repeat.
        seed: Of the split.

    Returns:
        The set, images uint8 [image, channel, *place].

    Raises:
        InputMissingError: There is nothing at `data`.
        SplitOverlapError: A patient is in two splits.
        ManifestError: The manifest cannot be understood.
        LabelError: It cannot be used to train; the message says why.
    """
    listing = list_labelled(data, recipe=recipe, labels=labels, channels=channels)
    check_two_classes(listing.truth, listing.labels, "the set")
    splits = assign_splits(listing, seed=seed)  # before anything is decoded: a patient in two splits is an error
    unreadable = Unreadable(len(listing))
    prepared = _prepare(listing, recipe, unreadable)
    alike = list(near_duplicates(prepared.prints))
    if alike:
        numbered = [(int(prepared.numbers[one]), int(prepared.numbers[other])) for one, other in alike]
        splits = assign_splits(listing, seed=seed, alike=numbered)
    splits, truth = splits[prepared.numbers], listing.truth[prepared.numbers]
    _check_splits(truth, splits, listing.labels)
    digest = digest_set(listing.labels, truth, splits, prepared.contents)
    chosen = {split: np.flatnonzero(splits == split) for split in SPLITS}
    leaks = _count_leaks(splits, alike)
    chosen[TRAIN], left_out = _without_repeats(chosen, prepared.pixels)
    sets = {split: LabelledSet(prepared.images[where], truth[where]) for split, where in chosen.items()}
    return LabelledData(
        sets[TRAIN],
        sets[VALIDATION],
        sets[TEST],
        listing.labels,
        listing.name,
        digest,
        left_out,
        unreadable.count,
        tuple(unreadable.reasons),
        {split: _columns(listing, prepared.numbers[where]) for split, where in chosen.items()},
        leaks,
    )


def list_labelled(
    data: Path, *, recipe: Recipe, labels: tuple[str, ...] | None, channels: int = 1, unknown_as: int | None = None
) -> Listing:
    """List a labelled set of any form without decoding its pictures; see `read_labelled_data`.

    Args:
        data: The set.
        recipe: What will be done on them.
        labels: Names of the classes in order; None: the set's own.
        channels: Of the decoded pictures.
        unknown_as: Number of the class that a folder's or manifest's label outside `labels` counts as.
    """
    check_channels(channels)
    if data.suffix.lower() == ".npz":
        return list_arrays(data, recipe=recipe, labels=labels, channels=channels)
    table = read_table(data)
    return list_table(table, data.name, recipe=recipe, labels=labels, channels=channels, unknown_as=unknown_as)


def read_table(data: Path) -> Table:
    """The files that a folder or a manifest names, with their labels.

    Raises:
        InputMissingError: There is nothing at `data`.
        ManifestError: The manifest cannot be understood.
        LabelError: It is neither, or labels are missing.
    """
    if data.is_dir():
        return read_folder(data)
    if data.suffix.lower() in MANIFEST_SUFFIXES:
        return read_labelled_manifest(data)
    if not data.exists():
        raise InputMissingError(f"there is nothing at {data.name!r}")
    raise LabelError(f"{data.name!r} is no labelled set")


def stack(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Stack prepared pictures.

    Raises:
        LabelError: Their sizes differ.
    """
    shapes = sorted({image.shape[1:] for image in images})
    if len(shapes) > 1:
        sizes = " and ".join(" x ".join(map(str, shape)) for shape in (shapes[0], shapes[-1]))
        raise LabelError(f"pictures have different sizes, {sizes}: the recipe needs a resize")
    return np.stack(images)


def _prepare(listing: Listing, recipe: Recipe, unreadable: Unreadable) -> _Prepared:
    numbers, images, contents, pixels, prints = [], [], [], [], []
    for number in range(len(listing)):
        picture = listing.read(number)
        if isinstance(picture, Refusal):
            unreadable.leave_out(picture)
            continue
        numbers.append(number)
        images.append(prepare_channels(picture.pixels, recipe, spacing_mm=picture.spacing_mm))
        contents.append(picture.digest)
        pixels.append(digest_pixels(picture.pixels))
        prints.append(fingerprint(picture.pixels[0]))
    return _Prepared(np.array(numbers, dtype=np.int64), stack(images), contents, pixels, prints)


def _count_leaks(splits: NDArray[np.str_], alike: Sequence[tuple[int, int]]) -> dict[str, int]:
    """How many pictures of validation and test have a near-duplicate, or an equal, among those of training."""
    both = [(one, other) for pair in alike for one, other in (pair, pair[::-1]) if splits[other] == TRAIN]
    return {split: len({one for one, _ in both if splits[one] == split}) for split in (VALIDATION, TEST)}


def _without_repeats(chosen: dict[str, NDArray[np.int64]], pixels: list[bytes]) -> tuple[NDArray[np.int64], int]:
    elsewhere = [pixels[index] for split in (VALIDATION, TEST) for index in chosen[split]]
    first = find_first([pixels[index] for index in chosen[TRAIN]], elsewhere)
    return chosen[TRAIN][first], int((~first).sum())


def _check_splits(truth: NDArray[np.int64], splits: NDArray[np.str_], labels: tuple[str, ...]) -> None:
    for split in SPLITS:
        check_two_classes(truth[splits == split], labels, f"the split {split}")
    if lost := sorted(set(truth.tolist()) - set(truth[splits == TRAIN].tolist())):
        names = ", ".join(repr(labels[number]) for number in lost)
        raise LabelError(f"no training picture shows {names}: give more, or leave the class out")


def _columns(listing: Listing, numbers: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {name: values[numbers] for name, values in listing.columns.items()}
