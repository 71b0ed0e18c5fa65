"""Splits a set by patient, and refuses splits that share one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from pipelines.labelled.listing import SPLITS, TEST, TRAIN, VALIDATION
from pipelines.preprocess.likeness import groups_of
from sievert.errors import LabelError, SplitOverlapError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from pipelines.labelled.listing import Listing

_FOLDS = 10
_TEST_SHARE = 0.2
_VALIDATION_SHARE = 0.1
_FEWEST = 3


def assign_splits(listing: Listing, *, seed: int, alike: Sequence[tuple[int, int]] = ()) -> NDArray[np.str_]:
    """The split of each image: the set's own, completed, or one by patient.

    A set without splits is cut into ten folds by scikit-learn's StratifiedGroupKFold: no patient is in two, and each
    class has about the same share in all. Two folds are the test split, one is validation, seven are trained on. Where
    the second largest class has fewer than ten patients there are as many folds as it has, and at least one of each
    kind. A picture that names no patient is its own. Where there is a training split but no validation, validation is
    cut from it in the same way, an eighth.

    Args:
        listing: The set.
        seed: Of the shuffling; the same seed gives the same splits.
        alike: Pairs of images that must lie on one side of a split that is made here, whoever they are said to show.

    Returns:
        Shape [image], words of `SPLITS`.

    Raises:
        SplitOverlapError: A patient is in two of the set's own splits.
        LabelError: There are too few patients to split.
    """
    groups = _number_patients(listing.patients)
    together = _joined(groups, alike)
    if listing.splits is None:
        return split_by_patient(listing.truth, together, seed=seed)
    check_overlap(groups[_named(listing.patients)], listing.splits[_named(listing.patients)])
    if VALIDATION in listing.splits or TRAIN not in listing.splits:
        return listing.splits
    return _cut_validation(listing.splits, listing.truth, together, seed=seed)


def split_by_patient(truth: NDArray[np.int64], patients: NDArray[np.int64], *, seed: int) -> NDArray[np.str_]:
    """Cut a set into 70 % train, 10 % validation and 20 % test; see `assign_splits`.

    Args:
        truth: Shape [image], class numbers.
        patients: Shape [image], numbers of patients.
        seed: Of the shuffling.

    Returns:
        Shape [image], words of `SPLITS`.

    Raises:
        LabelError: Fewer than two classes have three patients.
    """
    folds, count = _fold(truth, patients, most=_FOLDS, fewest=_FEWEST, seed=seed)
    tests, validations = _share(count, _TEST_SHARE), _share(count, _VALIDATION_SHARE)
    splits = np.full(len(truth), TRAIN, dtype=f"<U{max(map(len, SPLITS))}")
    splits[folds < tests + validations] = VALIDATION
    splits[folds < tests] = TEST
    return splits


def check_overlap(patients: NDArray[np.int64], splits: NDArray[np.str_]) -> None:
    """Refuse splits that share a patient.

    Args:
        patients: Shape [image], numbers of patients.
        splits: Shape [image].

    Raises:
        SplitOverlapError: Says how many patients, and between which splits; never who.
    """
    members = {split: set(patients[splits == split].tolist()) for split in SPLITS}
    pairs = [(TRAIN, VALIDATION), (TRAIN, TEST), (VALIDATION, TEST)]
    shared = {pair: members[pair[0]] & members[pair[1]] for pair in pairs}
    if who := set().union(*shared.values()):
        where = ", ".join(f"{len(both)} in {one} and {other}" for (one, other), both in shared.items() if both)
        plural = "patient is" if len(who) == 1 else "patients are"
        raise SplitOverlapError(f"{len(who)} {plural} in more than one split: {where}")


def _cut_validation(
    splits: NDArray[np.str_], truth: NDArray[np.int64], patients: NDArray[np.int64], *, seed: int
) -> NDArray[np.str_]:
    inside = np.flatnonzero(splits == TRAIN)
    # an eighth of the 80 % that are not tested on is a tenth of all
    folds, _ = _fold(truth[inside], patients[inside], most=8, fewest=2, seed=seed)
    completed = splits.astype(f"<U{max(map(len, SPLITS))}")
    completed[inside[folds == 0]] = VALIDATION
    return completed


def _fold(
    truth: NDArray[np.int64], patients: NDArray[np.int64], *, most: int, fewest: int, seed: int
) -> tuple[NDArray[np.int64], int]:
    """The fold of each image, from 0, and how many there are."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    # numbered by appearance: another order of the classes must not give another split
    truth = _number_by_appearance(truth.tolist())
    known = sorted(len(np.unique(patients[truth == number])) for number in np.unique(truth))
    count = min(most, known[-2] if len(known) > 1 else 0)
    if count < fewest:
        raise LabelError(f"the set cannot be split by patient: two classes need at least {fewest} patients each")
    all_alone = len(np.unique(patients)) == len(patients)
    # without groups the plain one gives the same guarantee, and takes no time quadratic in them
    cutter = (StratifiedKFold if all_alone else StratifiedGroupKFold)(count, shuffle=True, random_state=seed)
    folds = np.zeros(len(truth), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare class is not in every fold; what follows checks for that
        for number, (_, chosen) in enumerate(cutter.split(np.zeros(len(truth)), truth, patients)):
            folds[chosen] = number
    return folds, count


def _joined(groups: NDArray[np.int64], alike: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Groups of patients, those that share images that are alike made one."""
    if not alike:
        return groups
    pairs = ((int(groups[one]), int(groups[other])) for one, other in alike)
    return _number_by_appearance(groups_of(pairs, int(groups.max()) + 1)[groups].tolist())


def _share(folds: int, share: float) -> int:
    return max(1, round(folds * share))


def _named(patients: Sequence[str | None]) -> NDArray[np.bool_]:
    return np.array([patient is not None for patient in patients], dtype=bool)


def _number_patients(patients: Sequence[str | None]) -> NDArray[np.int64]:
    """A number a patient; who is not named has one to himself."""
    return _number_by_appearance([index if patient is None else patient for index, patient in enumerate(patients)])


def _number_by_appearance(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
