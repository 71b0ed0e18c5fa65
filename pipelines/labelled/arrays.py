"""Reads MedMNIST files: arrays of pictures or volumes, with a split each."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.training.scopes import known_scope
from pipelines.labelled.listing import TEST, TRAIN, VALIDATION, Listing, Picture
from sievert.errors import InputMissingError, LabelError
from sievert.records import Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from models.recipe import Recipe

    Arrays = dict[str, NDArray[Any]]

_KEYS = {TRAIN: "train", VALIDATION: "val", TEST: "test"}
_BROKEN = (AttributeError, TypeError, ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_COLOURS = 3


def list_arrays(
    file: Path,
    *,
    recipe: Recipe,
    labels: tuple[str, ...] | None,
    channels: int,
    splits: Collection[str] | None = None,
) -> Listing:
    """List a MedMNIST .npz file; nothing in it is unpickled.

    Args:
        file: Holds `{split}_images`, uint8 [image, *place] or [image, *place, 3], and `{split}_labels`, [image, 1] or
            [image], for split `train`, `val` and `test`.
        recipe: What will be done on them; it says how many dimensions a place has.
        labels: Names of the classes by number. None: those of the known set of that file's name, else the numbers.
        channels: 3 keeps colours; 1 makes them grey (luma of ITU-R BT.601).
        splits: Words of `SPLITS` to read; None: all that are there.

    Raises:
        InputMissingError: There is no such file.
        LabelError: It is no such file, its arrays do not fit each other or the classes, or the recipe asks for a
            spacing or for values in units, which such a file has none of.

    Source: Yang et al., "MedMNIST v2", Scientific Data 2023.
    """
    _check_recipe(recipe)
    arrays, rank = _load(file, splits), recipe.spatial_rank
    found = [split for split, key in _KEYS.items() if f"{key}_images" in arrays and f"{key}_labels" in arrays]
    if not found:
        raise LabelError(f"{file.name!r} holds no split as MedMNIST lays it out")
    images = [_checked(arrays[f"{_KEYS[split]}_images"], rank) for split in found]
    truth = [_numbers(arrays[f"{_KEYS[split]}_labels"]) for split in found]
    for split, pictures, numbers in zip(found, images, truth, strict=True):
        if len(pictures) != len(numbers):
            raise LabelError(f"the split {split} has {len(pictures)} images but {len(numbers)} labels")
        if not len(pictures):
            raise LabelError(f"the split {split} is empty")
    return _listing(file, found, images, np.concatenate(truth), labels=labels, rank=rank, channels=channels)


def _check_recipe(recipe: Recipe) -> None:
    for asked, reason in (
        (recipe.spacing_mm is not None, Reason.COMPLIANCE_NO_SPACING),
        (recipe.reads_values, Reason.COMPLIANCE_NO_UNITS),
    ):
        if asked:
            raise LabelError(f"arrays of MedMNIST do not fit the recipe: {reason.explanation}")


def _load(file: Path, splits: Collection[str] | None) -> Arrays:
    if not file.is_file():
        raise InputMissingError(f"there is no file {file.name!r}")
    wanted = {f"{_KEYS[split]}_{kind}" for split in splits or _KEYS for kind in ("images", "labels")}
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in wanted & set(arrays.files)}
    except _BROKEN as error:
        raise LabelError(f"{file.name!r} cannot be read as a MedMNIST file") from error


def _listing(  # noqa: PLR0913 - all that a listing is made of
    file: Path,
    found: list[str],
    images: list[NDArray[np.uint8]],
    truth: NDArray[np.int64],
    *,
    labels: tuple[str, ...] | None,
    rank: int,
    channels: int,
) -> Listing:
    names, numbers = _named(file, truth, labels)
    starts = np.cumsum([0, *map(len, images)])

    def read(number: int) -> Picture:
        part = int(np.searchsorted(starts, number, side="right")) - 1
        stored = images[part][number - starts[part]]
        return Picture(_as_channels(stored, rank, channels), hashlib.sha256(stored.tobytes()).digest())

    splits = np.repeat(found, [len(part) for part in images])
    return Listing(file.name, names, numbers, splits, (None,) * len(truth), read)


def _named(
    file: Path, truth: NDArray[np.int64], labels: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    count = int(truth.max()) + 1
    if labels is None:
        known = known_scope(file.name)
        labels = known.labels if known and len(known.labels) >= count else tuple(map(str, range(max(count, 2))))
    if truth.min() < 0 or count > len(labels):
        raise LabelError(f"labels reach from {truth.min()} to {truth.max()}, but there are {len(labels)} classes")
    return labels, truth


def _checked(images: NDArray[Any], rank: int) -> NDArray[np.uint8]:
    grey = images.ndim == rank + 1
    colour = images.ndim == rank + 2 and images.shape[-1] == _COLOURS
    if images.dtype != np.uint8 or not (grey or colour):
        place = "row, column" if rank == 2 else "slice, row, column"  # noqa: PLR2004 - rows and columns
        raise LabelError(
            f"a split holds uint8 [image, {place}], with or without three colours, not {images.dtype} {images.shape}"
        )
    return cast("NDArray[np.uint8]", images)


def _numbers(labels: NDArray[Any]) -> NDArray[np.int64]:
    if labels.ndim > 1 and labels.shape[1:] != (1,):
        raise LabelError("an image has several labels; one class an image is what is trained and measured")
    if labels.dtype.kind not in "iubf":
        raise LabelError(f"labels are class numbers, not {labels.dtype}")
    missing = int(np.isnan(labels).sum()) if labels.dtype.kind == "f" else 0
    if missing:
        raise LabelError(f"{missing} of {len(labels)} pictures have no label")
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels)):
        raise LabelError("labels are class numbers, not fractions")
    return labels.astype(np.int64).ravel()


def _as_channels(stored: NDArray[np.uint8], rank: int, channels: int) -> NDArray[np.uint8]:
    if stored.ndim == rank:
        return np.broadcast_to(stored, (channels, *stored.shape))
    if channels == _COLOURS:
        return np.moveaxis(stored, -1, 0)
    return np.asarray(np.rint(stored @ _LUMA), dtype=np.uint8)[None]
