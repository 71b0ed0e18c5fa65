from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.labelled.listing import SPLITS, TEST, TRAIN, VALIDATION, Listing
from pipelines.labelled.splitting import assign_splits, check_overlap, split_by_patient
from sievert.errors import LabelError, SplitOverlapError
from sievert.records import Reason, Refusal

Truth = NDArray[np.int64]


@st.composite
def _sets(draw: st.DrawFn) -> tuple[Truth, Truth]:
    """Classes and patients of some images; at least two classes have three patients."""
    images = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 25)), min_size=6, max_size=60))
    truth, patients = (np.array(values, dtype=np.int64) for values in zip(*images, strict=True))
    known = sorted(len(np.unique(patients[truth == number])) for number in np.unique(truth))
    assume(len(known) > 1 and known[-2] >= 3)
    return truth, patients


def _listing(truth: Truth, patients: tuple[str | None, ...], splits: NDArray[np.str_] | None = None) -> Listing:
    labels = tuple("abcd"[: int(truth.max()) + 1])
    return Listing("set", labels, truth, splits, patients, lambda _: Refusal(Reason.FORMAT_EMPTY))


@settings(deadline=None, max_examples=60)
@given(_sets(), st.integers(0, 2**32 - 1))
def test_no_patient_is_in_two_splits_and_every_image_is_in_one(images: tuple[Truth, Truth], seed: int) -> None:
    truth, patients = images
    splits = split_by_patient(truth, patients, seed=seed)
    assert len(splits) == len(truth)
    assert set(splits.tolist()) <= set(SPLITS)
    for patient in np.unique(patients):
        assert len(set(splits[patients == patient].tolist())) == 1
    check_overlap(patients, splits)


@settings(deadline=None, max_examples=30)
@given(_sets(), st.integers(0, 2**32 - 1))
def test_same_seed_gives_the_same_split_whatever_the_order_of_the_classes(
    images: tuple[Truth, Truth], seed: int
) -> None:
    truth, patients = images
    splits = split_by_patient(truth, patients, seed=seed)
    assert np.array_equal(splits, split_by_patient(truth, patients, seed=seed))
    assert np.array_equal(splits, split_by_patient(3 - truth, patients, seed=seed))


def test_another_seed_gives_another_split() -> None:
    truth, patients = np.arange(100) % 2, np.arange(100) // 2
    assert not np.array_equal(split_by_patient(truth, patients, seed=0), split_by_patient(truth, patients, seed=1))


@pytest.mark.parametrize("images_a_patient", [1, 4])
def test_shares_are_seventy_ten_twenty_in_each_class(images_a_patient: int) -> None:
    patients = np.repeat(np.arange(100), images_a_patient)
    truth = (patients % 4 == 0).astype(np.int64)
    splits = split_by_patient(truth, patients, seed=3)
    for number, share in ((0, 0.75), (1, 0.25)):
        of_class = splits[truth == number]
        for split, part in ((TRAIN, 0.7), (VALIDATION, 0.1), (TEST, 0.2)):
            expected = part * share * len(splits)
            assert (of_class == split).sum() == pytest.approx(expected, abs=2 * images_a_patient)


def test_few_patients_leave_at_least_one_of_each_class_a_split() -> None:
    splits = split_by_patient(np.repeat([0, 1], 3), np.arange(6), seed=0)
    assert sorted(splits[:3].tolist()) == sorted(splits[3:].tolist()) == sorted(SPLITS)


def test_two_patients_a_class_are_too_few() -> None:
    with pytest.raises(LabelError, match="at least 3 patients"):
        split_by_patient(np.repeat([0, 1], 4), np.repeat(np.arange(4), 2), seed=0)


def test_pictures_without_a_patient_stand_alone() -> None:
    truth = np.arange(40) % 2
    named = assign_splits(_listing(truth, tuple(map(str, range(40)))), seed=0)
    assert np.array_equal(assign_splits(_listing(truth, (None,) * 40), seed=0), named)


def test_validation_is_cut_from_train_by_patient_and_test_stays() -> None:
    patients = np.arange(120) // 3
    truth = patients % 2
    own = np.where(patients < 32, TRAIN, TEST)
    splits = assign_splits(_listing(truth, tuple(map(str, patients)), own), seed=0)
    assert np.array_equal(splits == TEST, own == TEST)
    assert (splits == VALIDATION).sum() == 12
    check_overlap(patients, splits)


def test_own_splits_stay_and_unnamed_pictures_overlap_with_nobody() -> None:
    own = np.array([TRAIN, VALIDATION, TEST, TEST])
    listing = _listing(np.array([0, 1, 0, 1]), (None, None, "x", None), own)
    assert np.array_equal(assign_splits(listing, seed=0), own)


def test_overlap_is_counted_by_pairs_of_splits() -> None:
    with pytest.raises(SplitOverlapError, match="1 patient is in more than one split: 1 in validation and test"):
        check_overlap(np.array([1, 2, 3, 2]), np.array([TRAIN, VALIDATION, TEST, TEST]))
