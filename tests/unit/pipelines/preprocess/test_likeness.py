"""The same exposure is recognised however it is stored, and different ones are not taken for it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.textfinder.grounds import draw_ground
from pipelines.preprocess.likeness import Fingerprint, fingerprint, groups_of, near_duplicates


def picture(seed: int, side: int = 160) -> NDArray[np.uint8]:
    """Clouds and discs, no two alike."""
    random = np.random.default_rng(seed)
    grids = [
        cv2.resize(random.random((2**n, 2**n)), (side, side), interpolation=cv2.INTER_CUBIC) / n for n in (1, 2, 3, 4)
    ]
    total = sum(grids) + 0.2 * draw_ground(random, side=side)
    return np.asarray((total - total.min()) / np.ptp(total) * 255, np.uint8)


def recompressed(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0))


@pytest.mark.parametrize(
    "store",
    [
        lambda pixels: pixels.copy(),
        recompressed,
        lambda pixels: cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        lambda pixels: pixels.astype(np.uint16) * 200 + 77,
        lambda pixels: np.stack([pixels, pixels, pixels]),
    ],
    ids=["equal", "JPEG", "half the size", "16 bits", "a volume of it"],
)
def test_one_exposure_is_recognised(store: Any) -> None:  # noqa: ANN401
    for seed in range(5):
        assert list(near_duplicates([fingerprint(picture(seed)), fingerprint(store(picture(seed)))])) == [(0, 1)]


def test_different_ones_are_not_and_pairs_come_once() -> None:
    prints = [fingerprint(picture(seed)) for seed in range(30)]
    assert list(near_duplicates(prints)) == []
    assert sorted(near_duplicates([*prints, prints[4], prints[4]])) == [(4, 30), (4, 31), (30, 31)]


def test_pictures_of_one_value_are_like_nothing() -> None:
    blank = fingerprint(np.full((40, 40), 7, np.uint8))
    assert list(near_duplicates([blank, blank])) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_groups_are_what_pairs_connect(pairs: list[tuple[int, int]]) -> None:
    groups = groups_of(iter(pairs), 10)
    assert len(groups) == 10
    assert all(groups[one] == groups[other] for one, other in pairs)
    connected: dict[int, set[int]] = {number: {number} for number in range(10)}
    for one, other in pairs:
        joined = connected[one] | connected[other]
        for number in joined:
            connected[number] = joined
    assert len(set(groups.tolist())) == len({frozenset(members) for members in connected.values()})


def test_a_hash_in_another_band_alone_is_still_found() -> None:
    """Three bits that differ lie in three bands at most: the fourth is the same."""
    base = fingerprint(picture(1))
    for flipped in ((0, 20, 40), (20, 40, 60), (0, 1, 2)):
        other = Fingerprint(base.bits ^ sum(1 << bit for bit in flipped), base.thumbnail)
        assert list(near_duplicates([base, other])) == [(0, 1)]
    far = Fingerprint(base.bits ^ 0b1111, base.thumbnail)
    assert list(near_duplicates([base, far])) == []
