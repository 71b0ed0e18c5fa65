"""The shipped network covers text it has never seen, and sees none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from models.textfinder.boxes import Box
from models.textfinder.finding import NETWORK, TextFinder
from models.textfinder.grounds import draw_ground
from models.textfinder.lettering import TEST_FACES
from models.textfinder.planting import Planted, plant


@pytest.fixture(scope="module")
def finder() -> TextFinder:
    return TextFinder()


def planted(seed: int, *, side: int = 320, heights: tuple[int, int] = (12, 36)) -> Planted:
    random = np.random.default_rng(seed)
    return plant(draw_ground(random, side=side), random, faces=TEST_FACES, lines=2, heights=heights)


def share_covered(one: Planted, boxes: tuple[Box, ...]) -> float:
    covered = np.zeros(one.ink.shape, bool)
    for box in boxes:
        covered[box.part] = True
    return float(covered[one.ink].mean())


def test_nearly_all_ink_of_planted_lines_is_covered(finder: TextFinder) -> None:
    shares = [share_covered(one, finder.find(one.picture)) for one in map(planted, range(20))]
    assert np.mean(shares) > 0.95


def test_letters_larger_than_the_network_has_seen_are_found_at_half_the_size(finder: TextFinder) -> None:
    one = planted(3, side=1024, heights=(64, 64))
    assert one.boxes
    assert share_covered(one, finder.find(one.picture)) > 0.9


@pytest.mark.parametrize("shape", [(64, 64), (61, 203), (700, 513), (5, 9)])
def test_a_picture_without_anything_has_no_text(finder: TextFinder, shape: tuple[int, int]) -> None:
    assert finder.find(np.zeros(shape, np.uint8)) == ()
    assert finder.find(np.tile(np.linspace(0, 4095, shape[1]), (shape[0], 1)).astype(np.int16)) == ()


def test_the_range_of_values_does_not_matter(finder: TextFinder) -> None:
    one = planted(1)
    twelve_bits = (one.picture * 4095).astype(np.int16) - 1024
    assert finder.find(twelve_bits) == finder.find((one.picture * 4095).astype(np.uint16))


def test_boxes_lie_within_the_picture(finder: TextFinder) -> None:
    one = planted(2, side=203)
    for box in finder.find(one.picture):
        assert 0 <= box.top < box.bottom <= 203
        assert 0 <= box.left < box.right <= 203


def test_the_network_is_small_enough_to_ship() -> None:
    assert NETWORK.stat().st_size < 200_000
