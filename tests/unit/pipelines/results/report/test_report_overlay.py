from __future__ import annotations

import cv2
import numpy as np
import pytest
from report_samples import sample_heat, sample_image

from pipelines.results.report.overlay import draw_overlay, draw_scale


def colourfulness(picture: np.ndarray) -> np.ndarray:
    """How far red, green and blue lie apart, shape [row, column]."""
    wide = picture.astype(int)
    return np.asarray(wide.max(axis=2) - wide.min(axis=2))


def test_a_cold_map_leaves_every_pixel_its_own_grey() -> None:
    image = sample_image()
    drawn = draw_overlay(image, np.full((7, 7), 0.1, np.float32))
    assert (drawn == image[..., None]).all()


def test_the_hot_cell_is_coloured_where_it_lies_and_far_cells_stay_grey() -> None:
    image = sample_image(rows=140, columns=210)
    apart = colourfulness(draw_overlay(image, sample_heat(1, 5)))
    row, column = divmod(int(apart.argmax()), 210)
    assert (row // 20, column // 30) == (1, 5)
    assert apart[70:].max() == 0
    assert apart[:, :90].max() == 0


def test_the_map_is_spread_smoothly_and_not_in_blocks() -> None:
    flat = np.full((280, 280), 90, np.uint8)
    steps = np.abs(np.diff(draw_overlay(flat, sample_heat(3, 3)).astype(int), axis=1))
    assert 0 < steps.max() <= 16


def test_hotter_is_lighter_all_along_the_scale_so_that_it_can_be_read_without_colour() -> None:
    lightness = cv2.cvtColor(draw_scale(grey=0), cv2.COLOR_RGB2LAB)[0, :, 0].astype(int)
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] - lightness[0] > 100


def test_the_picture_below_a_hot_place_can_still_be_seen() -> None:
    heat = np.ones((7, 7), np.float32)
    dark, bright = (draw_overlay(np.full((9, 9), grey, np.uint8), heat).astype(int) for grey in (0, 255))
    assert (bright - dark).min() > 60


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 300), (28, 28), (300, 1)])
def test_pictures_of_any_shape_keep_it(rows: int, columns: int) -> None:
    drawn = draw_overlay(sample_image(rows, columns), sample_heat(0, 0, side=1))
    assert drawn.shape == (rows, columns, 3)
    assert drawn.dtype == np.uint8


def test_the_arguments_are_left_untouched() -> None:
    image, heat = sample_image(), sample_heat(2, 2)
    before = image.copy(), heat.copy()
    draw_overlay(image, heat)
    assert (image == before[0]).all()
    assert (heat == before[1]).all()
