"""No near-duplicates on both sides of a split that is made here; leaks of a set's own split are counted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.labelled.listing import TEST, TRAIN, VALIDATION, Listing
from pipelines.labelled.reading import read_labelled_data
from pipelines.labelled.splitting import assign_splits
from sievert.records import Reason, Refusal
from tests.unit.pipelines.labelled.labelled_samples import RECIPE, write_manifest
from tests.unit.pipelines.preprocess.test_likeness import picture


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=15), st.integers(0, 99))
def test_images_that_are_alike_and_their_patients_lie_on_one_side(pairs: list[tuple[int, int]], seed: int) -> None:
    patients = tuple(f"P{number // 2}" for number in range(60))
    listing = Listing("set", ("a", "b"), np.arange(60) // 2 % 2, None, patients, lambda _: Refusal(Reason.FORMAT_EMPTY))
    splits = assign_splits(listing, seed=seed, alike=pairs)
    for one, other in [*pairs, *((2 * number, 2 * number + 1) for number in range(30))]:
        assert splits[one] == splits[other]


def save(folder: Path, number: int, suffix: str = "png") -> str:
    """A picture that is like no other."""
    cv2.imwrite(str(folder / f"{number}.{suffix}"), picture(number, side=64))
    return f"{number}.{suffix}"


def test_a_split_that_is_made_here_keeps_two_storings_of_one_exposure_together(tmp_path: Path) -> None:
    names = [save(tmp_path, number) for number in range(40)]
    again = [save(tmp_path, number, "jpg") for number in range(8)]
    rows = [f"{name},{'ab'[number % 2]}" for part in (names, again) for number, name in enumerate(part)]
    data = read_labelled_data(write_manifest(tmp_path, "source,label", rows), recipe=RECIPE)
    assert data.leaks == {VALIDATION: 0, TEST: 0}


def test_leaks_of_the_sets_own_split_are_counted_and_the_split_stays(tmp_path: Path) -> None:
    splits = [TRAIN] * 6 + [VALIDATION] * 4 + [TEST] * 4
    names = [save(tmp_path, number) for number in range(14)]
    names[7], names[12] = save(tmp_path, 0, "jpg"), save(tmp_path, 1, "jpg")
    rows = [f"{name},{'ab'[number % 2]},{splits[number]}" for number, name in enumerate(names)]
    data = read_labelled_data(write_manifest(tmp_path, "source,label,split", rows), recipe=RECIPE)
    assert data.leaks == {VALIDATION: 1, TEST: 1}
    assert (len(data.train), len(data.validation), len(data.test)) == (6, 4, 4)
    assert data.left_out == 0
