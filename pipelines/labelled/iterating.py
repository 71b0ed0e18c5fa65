"""Reads labelled pictures one by one, for evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.labelled.files import has_splits
from pipelines.labelled.listing import Unreadable, check_two_classes
from pipelines.labelled.reading import list_labelled, read_table
from pipelines.labelled.splitting import assign_splits
from pipelines.preprocess.steps import apply_recipe_to_channels
from sievert.errors import LabelError
from sievert.records import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from models.recipe import Recipe
    from pipelines.labelled.listing import Listing

    Labelled = tuple[NDArray[np.float32], int, dict[str, Any]]


def iterate_labelled(  # noqa: PLR0913 - which pictures, how they are prepared, and how their classes are read
    data: Path,
    *,
    split: str | None,
    recipe: Recipe,
    labels: tuple[str, ...],
    channels: int = 1,
    seed: int = 0,
    unknown_as: int | None = None,
    on_unreadable: Callable[[str], None] | None = None,
) -> Iterator[Labelled]:
    """Read labelled pictures one by one, so that a folder of large ones need not fit in memory.

    The set is checked when this is called, pictures are decoded as they are asked for. One that cannot be decoded is
    passed over.

    Args:
        data: As for `read_labelled_data`; its splits, and those of `seed`, are the same.
        split: `train`, `validation` or `test`; None: all of the set.
        recipe: Done whole.
        labels: Names of the classes in order, a package's.
        channels: Of the images.
        seed: Of the split of a set that has none.
        unknown_as: Number of the class that any folder or label outside `labels` counts as (for a model of two classes:
            all that is not positive); None: it is refused.
        on_unreadable: Called with the reason for each picture that is passed over.

    Yields:
        Image, float32 [channel, *place]; class number; what else the manifest says of it, by column.

    Raises:
        InputMissingError: There is nothing at `data`.
        SplitOverlapError: A patient is in two splits.
        ManifestError: The manifest cannot be understood.
        LabelError: It cannot be measured on: a label is missing or unknown, there is one class only or no such split,
            or more than one picture in twenty cannot be decoded.
    """
    listing = list_labelled(data, recipe=recipe, labels=labels, channels=channels, unknown_as=unknown_as)
    chosen = _choose(listing, split, seed)
    check_two_classes(listing.truth[chosen], listing.labels, f"the split {split}" if split else "the set")
    return _read(listing, chosen, recipe, on_unreadable)


def has_own_splits(data: Path) -> bool:
    """Whether a labelled set names its splits, as a .npz file always does; raises as `read_labelled_data` does."""
    return data.suffix.lower() == ".npz" or has_splits(read_table(data).rows)


def _choose(listing: Listing, split: str | None, seed: int) -> NDArray[np.int64]:
    if split is None:
        return np.arange(len(listing))
    chosen = np.flatnonzero(assign_splits(listing, seed=seed) == split)
    if not len(chosen):
        raise LabelError(f"{listing.name!r} has no split {split!r}")
    return chosen


def _read(
    listing: Listing, chosen: NDArray[np.int64], recipe: Recipe, on_unreadable: Callable[[str], None] | None
) -> Iterator[Labelled]:
    unreadable = Unreadable(len(chosen))
    for number in chosen.tolist():
        picture = listing.read(number)
        if isinstance(picture, Refusal):
            unreadable.leave_out(picture)
            if on_unreadable is not None:
                on_unreadable(picture.explanation)
            continue
        columns = {name: values[number].item() for name, values in listing.columns.items()}
        image = apply_recipe_to_channels(picture.pixels, recipe, spacing_mm=picture.spacing_mm)
        yield image, int(listing.truth[number]), columns
