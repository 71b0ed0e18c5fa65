"""Reads labelled pictures: a MedMNIST file, or a folder with a sub-folder a class."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from models.training.settings import LabelledSet
from pipelines.admit.admission import decode
from pipelines.admit.reading import read_source
from sievert.errors import DataError, InputMissingError, LabelError
from sievert.records import Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from models.metadata import Scope

_PICTURES = {".png", ".jpg", ".jpeg", ".dcm"}


def read_split(file: Path, split: str, *, classes: int) -> LabelledSet:
    """Read one split of a MedMNIST .npz file; nothing in it is unpickled.

    Args:
        file: Holds `{split}_images`, uint8 [image, row, column], and `{split}_labels`, [image, 1] or [image].
        split: `train`, `val` or `test`.
        classes: Labels are numbers below it.

    Raises:
        InputMissingError: There is no such file.
        LabelError: It is no such file, or its arrays do not fit each other or the classes.

    Source: Yang et al., "MedMNIST v2", Scientific Data 2023.
    """
    if not file.is_file():
        raise InputMissingError(f"there is no file {file.name!r}")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"].astype(np.int64).ravel()
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise LabelError(f"{file.name!r} holds no split {split!r} as MedMNIST lays it out") from error
    _check_split(images, labels, classes)
    return LabelledSet(images, labels)


def drop_repeats(train: LabelledSet, *others: LabelledSet) -> LabelledSet:
    """Keep the first of equal training images, and none that another split holds too.

    Args:
        train: The training split.
        others: The other splits.
    """
    seen = {image.tobytes() for other in others for image in other.images}
    keep = np.zeros(len(train), dtype=bool)
    for index, content in enumerate(image.tobytes() for image in train.images):
        keep[index] = content not in seen
        seen.add(content)
    return LabelledSet(train.images[keep], train.labels[keep])


def read_labelled(data: Path, *, split: str, scope: Scope) -> Iterator[tuple[NDArray[Any], bool]]:
    """Read labelled pictures one by one, so that a folder of large ones need not fit in memory.

    Args:
        data: A MedMNIST .npz file, whose labels are the scope's classes by number; or a folder with a sub-folder a
            class, where pictures below the one named as the positive label are positive and all others negative.
        split: Of the .npz file; a folder has no splits.
        scope: Names the classes.

    Yields:
        Pixels, shape [row, column], and whether a reader called them positive.

    Raises:
        InputMissingError: There is nothing at `data`.
        LabelError: It cannot be read as labelled pictures.
    """
    if data.is_dir():
        for file in _list_pictures(data):
            yield read_picture(file), file.relative_to(data).parts[0] == scope.positive_label
        return
    labelled = read_split(data, split, classes=len(scope.labels))
    yield from zip(labelled.images, (labelled.labels == scope.positive_index).tolist(), strict=True)


def read_picture(file: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode a picture as screening does: one grey picture, brighter where the body is denser.

    Args:
        file: Any format that admission reads.

    Returns:
        Shape [row, column].

    Raises:
        DataError: It cannot be decoded as one grey picture.
    """
    policy = AdmitSettings()
    content = read_source(str(file), max_bytes=policy.max_file_bytes)
    pixels = content if isinstance(content, Refusal) else decode(content, policy)
    if isinstance(pixels, Refusal):
        raise DataError(f"a labelled picture cannot be used: {pixels.explanation}")
    return pixels


def _list_pictures(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.glob("*/**/*") if file.suffix.lower() in _PICTURES)
    if not files:
        raise LabelError("the folder has no pictures in sub-folders")
    return files


def _check_split(images: NDArray[Any], labels: NDArray[np.int64], classes: int) -> None:
    if images.ndim != 3 or images.dtype != np.uint8:  # noqa: PLR2004 - images, rows and columns
        raise LabelError(f"a split holds uint8 [image, row, column], not {images.dtype} {images.shape}")
    if len(images) != len(labels) or not len(labels):
        raise LabelError(f"a split has {len(images)} images but {len(labels)} labels")
    if labels.min() < 0 or labels.max() >= classes:
        raise LabelError(f"labels reach from {labels.min()} to {labels.max()}, but there are {classes} classes")
