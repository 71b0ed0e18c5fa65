"""What a labelled set holds, before a pixel is decoded: the one form of arrays, folders and manifests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sievert.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sievert.records import Refusal

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)

_SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
_CHANNELS = (1, 3)
_MOST_UNREADABLE = 0.05
_REASONS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture or volume.

    Attributes:
        pixels: Shape [channel, row, column] or [channel, slice, row, column].
        digest: SHA-256 of the content as it is stored, which no decoder's version changes.
        spacing_mm: How far apart pixels lie, an axis of a place; None where that is not known.
    """

    pixels: NDArray[Any]
    digest: bytes
    spacing_mm: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A labelled set, its pictures not yet decoded.

    Attributes:
        name: Of the file or folder, without a path.
        labels: Names of the classes, in the order of their numbers.
        truth: Shape [image], class numbers.
        splits: Shape [image], words of `SPLITS`; None where the set has none.
        patients: Who is shown, an image; None where nobody is named.
        columns: What else a manifest says, shape [image], by column.
        read: Decodes the picture of a number.
    """

    name: str
    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    splits: NDArray[np.str_] | None
    patients: tuple[str | None, ...]
    read: Callable[[int], Picture | Refusal]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(slots=True)
class Unreadable:
    """Counts pictures that cannot be decoded, and gives up where they are more than one in twenty.

    Attributes:
        total: Pictures of the set.
        count: Those left out so far.
        reasons: Why, without repeats, in the order of their coming.
    """

    total: int
    count: int = 0
    reasons: list[str] = field(default_factory=list)

    def leave_out(self, refusal: Refusal) -> None:
        """Count one more.

        Raises:
            LabelError: They are too many.
        """
        self.count += 1
        if refusal.explanation not in self.reasons:
            self.reasons.append(refusal.explanation)
        if self.count > _MOST_UNREADABLE * self.total:
            why = " ".join(self.reasons[:_REASONS_SHOWN])
            raise LabelError(f"{self.count} of {self.total} pictures cannot be used, more than 5 %: {why}")


def split_of(word: str) -> str | None:
    """The split that a word means (`val` is `validation`), or None where it means none."""
    return _SPLIT_WORDS.get(word.strip().lower())


def check_channels(channels: int) -> None:
    """Refuse what no decoder gives.

    Raises:
        LabelError: `channels` is neither 1 nor 3.
    """
    if channels not in _CHANNELS:
        raise LabelError(f"pictures are read with one or three channels, not {channels}")


def check_two_classes(truth: NDArray[np.int64], labels: tuple[str, ...], what: str) -> None:
    """Refuse what is empty or shows one class only: nothing can be learnt from it or measured on it.

    Raises:
        LabelError: It is so.
    """
    present = np.unique(truth)
    if not present.size:
        raise LabelError(f"{what} is empty")
    if present.size == 1:
        raise LabelError(f"{what} holds one class only, {labels[int(present[0])]!r}")
