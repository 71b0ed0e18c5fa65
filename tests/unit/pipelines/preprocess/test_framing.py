"""Whatever a recipe cuts or lays around, it is known which part of the image the network saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipe import Crop, Fit, Pad, Recipe, Resample, Resize, Step, standard_recipe
from pipelines.preprocess.framing import framed
from pipelines.preprocess.steps import apply_and_locate, apply_recipe, trace_recipe


def ramps(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures whose values say in which row, and in which column, a pixel lay."""
    down, across = np.mgrid[:rows, :columns].astype(np.uint16) * 100
    return down, across


@given(st.tuples(st.integers(4, 60), st.integers(4, 60)), st.tuples(st.integers(1, 60), st.integers(1, 60)))
def test_the_part_says_where_each_pixel_lay(own: tuple[int, int], wanted: tuple[int, int]) -> None:
    recipe = Recipe(steps=(Pad(), Fit(rows=wanted[0], columns=wanted[1])))
    for axis, ramp in enumerate(ramps(*own)):
        made, part = apply_and_locate(ramp, recipe)
        start, stop = part[axis]
        lay = (start + (np.arange(wanted[axis]) + 0.5) / wanted[axis] * (stop - start)) * own[axis] - 0.5
        inside = (lay > -0.5) & (lay < own[axis] - 0.5)
        assert np.array_equal(made, apply_recipe(ramp, recipe))
        row = made[0].max(axis=1 - axis)  # where it was laid around, it is dark across
        assert np.allclose(row[inside], lay[inside] * 100, atol=1)


@pytest.mark.parametrize(
    "steps", [(Resize(rows=5, columns=9),), (Resample(spacing_mm=(3, 1)),), standard_recipe(rows=8, columns=8).steps]
)
def test_what_moves_no_edge_shows_the_whole(steps: tuple[Step, ...]) -> None:
    _, part = apply_and_locate(ramps(40, 30)[0], Recipe(steps=steps), spacing_mm=(1, 1))
    assert part == ((0, 1), (0, 1))


def test_a_crop_says_where_it_cut() -> None:
    picture = np.zeros((100, 200), np.uint8)
    picture[20:60, 50:150] = 200
    _, part = apply_and_locate(picture, Recipe(steps=(Crop(margin=0), Resize(rows=7, columns=7))))
    assert part == ((0.2, 0.6), (0.25, 0.75))
    steps = dict(trace_recipe(picture, Recipe(steps=(Crop(margin=0),))))
    assert steps["crop"].shape == (40, 100)


def test_beyond_an_edge_it_is_dark() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3) + 5
    assert framed(((-1, 2), (1, 4)), picture).tolist() == [[5, 5, 5], [6, 7, 5], [9, 10, 5]]
