"""A labelled set as training takes it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.training.settings import LabelledSet


@dataclass(frozen=True, slots=True)
class LabelledData:
    """Three splits, ready but for the z-score.

    Attributes:
        train: Learnt from; without repeats.
        validation: Chooses the epoch, the temperature and the thresholds.
        test: Measured once.
        labels: Names of the classes, in the order of their numbers.
        name: Of the file or folder, without a path.
        digest: SHA-256 in hex over the content of every picture as it is stored, its class and its split, and the names
            of the classes: the same on every machine.
        left_out: Training pictures that were dropped because they are equal, pixel by pixel, to another one.
        unreadable: Pictures that were left out because they cannot be decoded.
        reasons: Why they cannot.
        columns: What else the manifest says: by split and column, shape [image] of that split.
        leaks: By split but training: pictures that have a near-duplicate, or an equal, among the training pictures.
    """

    train: LabelledSet
    validation: LabelledSet
    test: LabelledSet
    labels: tuple[str, ...]
    name: str
    digest: str
    left_out: int
    unreadable: int = 0
    reasons: tuple[str, ...] = ()
    columns: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)
    leaks: dict[str, int] = field(default_factory=dict)


def find_first(train: Sequence[bytes], others: Sequence[bytes]) -> NDArray[np.bool_]:
    """Which training pictures are the first of their kind, and in no other split.

    Args:
        train: Digest of the decoded pixels, a training picture.
        others: The same of all other splits.

    Returns:
        Shape [training picture].
    """
    seen = set(others)
    keep = np.zeros(len(train), dtype=bool)
    for index, content in enumerate(train):
        keep[index] = content not in seen
        seen.add(content)
    return keep


def digest_pixels(pixels: NDArray[Any]) -> bytes:
    """SHA-256 over shape, type and pixels, in little-endian order."""
    plain = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    return hashlib.sha256(f"{plain.shape}{plain.dtype.str}".encode() + plain.tobytes()).digest()


def digest_set(
    labels: Sequence[str], truth: NDArray[np.int64], splits: NDArray[np.str_], contents: Sequence[bytes]
) -> str:
    """SHA-256 in hex over the names of the classes, then split, class and content of each image, a line each.

    Args:
        labels: Names of the classes.
        truth: Shape [image].
        splits: Shape [image].
        contents: SHA-256 of each image.
    """
    total = hashlib.sha256("".join(f"{len(label)}:{label}\n" for label in labels).encode())
    for number, split, content in zip(truth.tolist(), splits.tolist(), contents, strict=True):
        total.update(f"{split} {number} {content.hex()}\n".encode())
    return total.hexdigest()
