"""Boxes that touch become one, and none reaches beyond its picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.textfinder.boxes import Box, merged

SIDE = 40


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    top, left = draw(st.integers(0, SIDE - 2)), draw(st.integers(0, SIDE - 2))
    return Box(top, left, draw(st.integers(top + 1, SIDE)), draw(st.integers(left + 1, SIDE)))


def covered(found: tuple[Box, ...] | list[Box]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    page = np.zeros((SIDE, SIDE), bool)
    for box in found:
        page[box.part] = True
    return page


@given(st.lists(boxes(), max_size=8))
def test_merging_covers_all_and_leaves_none_that_touch(found: list[Box]) -> None:
    done = merged(found)
    assert not (covered(found) & ~covered(done)).any()
    assert not any(one.touches(other) for one in done for other in done if one is not other)
    assert merged(list(done)) == done


@given(boxes(), st.integers(0, 50), st.integers(0, 50))
def test_a_margin_ends_at_the_pictures_edge(box: Box, rows: int, columns: int) -> None:
    grown = box.grown(rows, columns, (SIDE, SIDE))
    assert 0 <= grown.top <= box.top
    assert box.bottom <= grown.bottom <= SIDE
    assert 0 <= grown.left <= box.left
    assert box.right <= grown.right <= SIDE
