"""Turns the names of classes into class numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from sievert.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MISSING = frozenset({"", "nan", "na", "n/a", "null", "<na>"})
"""What stands in a table where nothing is known; in lower case."""

_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?")
_SHOWN = 5


def number_classes(
    names: Sequence[str], labels: tuple[str, ...] | None, *, unknown_as: int | None = None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Give each image its class number.

    Args:
        names: Of the class, an image; words or numbers. 1, 1.0 and 01 are one name.
        labels: The order that is asked for, for instance a package's. Names that are numbers and none of the labels
            count as class numbers. None: the names themselves, sorted, numbers by their size.
        unknown_as: Number of the class that a name outside `labels` counts as; None refuses it.

    Returns:
        Names of the classes in order, and numbers of shape [image].

    Raises:
        LabelError: A name is missing, or none of the labels.
    """
    if missing := sum(name.strip().lower() in MISSING for name in names):
        raise LabelError(f"{missing} of {len(names)} pictures have no label")
    plain = [_plain(name) for name in names]
    if labels is None:
        labels = _sorted(set(plain))
    numbers = _by_name(labels) if set(plain) & set(_by_name(labels)) else _by_number(labels)
    unknown = sorted({name for name in plain if name not in numbers})
    if unknown and unknown_as is None:
        raise LabelError(f"no class is called {_listed(unknown)}; there is {_listed(labels)}")
    rest = -1 if unknown_as is None else unknown_as
    return labels, np.array([numbers.get(name, rest) for name in plain], dtype=np.int64)


def _plain(name: str) -> str:
    whole = _WHOLE.fullmatch(name.strip())
    return str(int(whole[1])) if whole else name.strip()


def _sorted(names: set[str]) -> tuple[str, ...]:
    if all(_WHOLE.fullmatch(name) for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def _by_name(labels: tuple[str, ...]) -> dict[str, int]:
    return {_plain(name): number for number, name in enumerate(labels)}


def _by_number(labels: tuple[str, ...]) -> dict[str, int]:
    return {str(number): number for number in range(len(labels))}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(name) for name in names[:_SHOWN]) + more
