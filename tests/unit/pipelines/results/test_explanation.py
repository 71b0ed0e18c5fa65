"""A map of what the network saw is kept as one of the whole image: heat lies where its cause lay."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.results.explanation import LARGEST_SIDE, lay_map


def hot(rows: int, columns: int, at: tuple[int, int]) -> np.ndarray:
    heat = np.zeros((rows, columns), np.float32)
    heat[at] = 1
    return heat


@pytest.mark.parametrize(
    ("part", "at", "centre"),
    [
        (((0.5, 1), (0.5, 1)), (0, 0), (0.5625, 0.5625)),
        (((0.25, 0.75), (0, 1)), (3, 1), (0.6875, 0.375)),
        (((-0.5, 1.5), (0, 1)), (1, 3), (0.25, 0.875)),
    ],
)
def test_heat_lies_where_its_cause_lay(
    part: tuple[tuple[float, float], ...], at: tuple[int, int], centre: tuple[float, float]
) -> None:
    laid = lay_map(hot(4, 4, at), part)
    assert laid.shape == (LARGEST_SIDE, LARGEST_SIDE)
    assert laid.max() == 1
    places = (np.arange(LARGEST_SIDE) + 0.5) / LARGEST_SIDE
    found = [float((laid.sum(axis=1 - axis) * places).sum() / laid.sum()) for axis in (0, 1)]
    assert found == pytest.approx(centre, abs=0.08)


def test_what_the_network_did_not_see_is_cold() -> None:
    laid = lay_map(np.ones((3, 5), np.float32), ((0.5, 1), (0, 0.5)))
    assert laid[: LARGEST_SIDE // 2].max() == 0
    assert laid[:, LARGEST_SIDE // 2 :].max() == 0
    assert laid[LARGEST_SIDE // 2 :, : LARGEST_SIDE // 2].min() == 1


def test_what_was_laid_around_is_not_in_the_image() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[0] = 1  # above the image
    heat[2] = 0.5
    laid = lay_map(heat, ((-0.5, 1.5), (0, 1)))
    assert laid[LARGEST_SIDE // 2 :].max() == 1
    assert laid[0, 0] < laid[LARGEST_SIDE // 2 + 3, 0]


def test_a_map_of_the_whole_is_kept_as_it_is() -> None:
    heat = hot(7, 7, (1, 2))
    assert lay_map(heat, ((0.0, 1.0), (0.0, 1.0))) is heat
