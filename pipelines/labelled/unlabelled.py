"""Reads pictures without labels, for self-supervised pre-training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.cohort.manifests import MANIFEST_SUFFIXES
from pipelines.labelled.arrays import list_arrays
from pipelines.labelled.files import read_row
from pipelines.labelled.folders import read_pictures
from pipelines.labelled.listing import TRAIN, Unreadable, check_channels
from pipelines.labelled.manifests import read_labelled_manifest
from pipelines.labelled.reading import stack
from pipelines.preprocess.steps import prepare_channels
from sievert.errors import InputMissingError, LabelError
from sievert.records import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.recipe import Recipe
    from pipelines.labelled.listing import Picture

    Read = Callable[[int], Picture | Refusal]


def read_unlabelled(
    data: Path, *, recipe: Recipe, channels: int = 1, splits: Collection[str] = (TRAIN,)
) -> NDArray[np.uint8]:
    """Read pictures, whatever they show.

    Args:
        data: A MedMNIST .npz file, a folder of pictures in any depth, or a manifest with the column `source`.
        recipe: Done up to, not including, the z-score; where its resize has slices, the set is one of volumes.
        channels: Of the images.
        splits: Which splits are read of a set that has some: by itself only what is trained on, so that a test stays
            one. A set without splits is read whole.

    Returns:
        uint8 [image, channel, *place].

    Raises:
        InputMissingError: There is nothing at `data`.
        ManifestError: The manifest cannot be understood.
        LabelError: There is no picture, too many cannot be decoded, or their sizes differ.
    """
    check_channels(channels)
    read, total = _list(data, recipe=recipe, channels=channels, splits=splits)
    if not total:
        raise LabelError(f"{data.name!r} has no picture in the split {' or '.join(splits)}")
    unreadable, images = Unreadable(total), []
    for number in range(total):
        picture = read(number)
        if isinstance(picture, Refusal):
            unreadable.leave_out(picture)
        else:
            images.append(prepare_channels(picture.pixels, recipe, spacing_mm=picture.spacing_mm))
    return stack(images)


def _list(data: Path, *, recipe: Recipe, channels: int, splits: Collection[str]) -> tuple[Read, int]:
    if data.suffix.lower() == ".npz":
        listing = list_arrays(data, recipe=recipe, labels=None, channels=channels, splits=splits)
        return listing.read, len(listing)
    if data.is_dir():
        table = read_pictures(data)
    elif data.suffix.lower() in MANIFEST_SUFFIXES:
        table = read_labelled_manifest(data, needs_labels=False)
    elif not data.exists():
        raise InputMissingError(f"there is nothing at {data.name!r}")
    else:
        raise LabelError(f"{data.name!r} is no set of pictures")
    rows = table.only(splits).rows
    return lambda number: read_row(rows[number], recipe=recipe, channels=channels), len(rows)
