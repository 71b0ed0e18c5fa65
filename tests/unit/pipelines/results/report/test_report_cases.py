from __future__ import annotations

import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from report_samples import sample_case, sample_heat, sample_image, sample_manifest

from pipelines.results.report import render_report
from pipelines.results.report.pictures import find_hottest, png_uri, show_case

PICTURE = r'<img src="data:image/png;base64,([^"]+)" width="(\d+)" height="(\d+)"'


def decoded(content: bytes) -> np.ndarray:
    """The pixels of a PNG, blue before red."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return np.asarray(picture)


def pictures(html: str) -> list[np.ndarray]:
    """The pictures of a report's cases, as a browser decodes them; their stated size must be their own."""
    found = []
    for content, width, height in re.findall(PICTURE, html)[1:]:  # the first is the colour scale
        picture = decoded(base64.b64decode(content))
        assert picture.shape[:2] == (int(height), int(width))
        found.append(picture)
    return found


def test_a_case_shows_the_picture_and_beside_it_the_picture_under_its_map() -> None:
    image = sample_image(rows=300, columns=400)
    plain, covered = pictures(
        render_report(sample_manifest(), cases=[sample_case(image=image, heat=sample_heat(5, 1))])
    )
    assert (plain == image).all()
    assert (covered[:100, 200:] == image[:100, 200:, None]).all()
    blue, _, red = covered[225, 80].astype(int)
    assert red - blue > 80


@pytest.mark.parametrize(("columns", "shown"), [(28, 256), (400, 400), (3000, 512)])
def test_pictures_are_256_to_512_pixels_wide_and_keep_their_proportions(columns: int, shown: int) -> None:
    case = sample_case(image=sample_image(columns * 3 // 2, columns), heat=sample_heat(3, 3))
    sizes = {picture.shape[:2] for picture in pictures(render_report(sample_manifest(), cases=[case]))}
    assert sizes == {(shown * 3 // 2, shown)}


def test_where_the_source_is_gone_only_the_map_is_shown_and_the_report_says_so() -> None:
    html = render_report(sample_manifest(), cases=[sample_case(heat=sample_heat(6, 6))])
    (alone,) = pictures(html)
    assert alone.ndim == 3
    assert np.ptp(alone[:100, :100]) == 0
    assert "no longer where it was read from, so only the map is shown" in html


def test_a_record_without_a_map_shows_the_picture_alone_and_says_so() -> None:
    html = render_report(sample_manifest(), cases=[sample_case(image=sample_image(300, 400))])
    assert len(pictures(html)) == 1
    assert "This record holds no map" in html


def test_the_overlays_text_alternative_says_where_the_map_is_strongest() -> None:
    case = sample_case(image=sample_image(), heat=sample_heat(0, 6))
    assert "s upper right." in render_report(sample_manifest(), cases=[case])


@pytest.mark.parametrize(
    ("row", "column", "words"), [(0, 0, "upper left"), (2, 4, "centre"), (6, 3, "lower"), (3, 6, "right")]
)
def test_the_hottest_ninth_is_named(row: int, column: int, words: str) -> None:
    assert find_hottest(sample_heat(row, column)) == words


def test_a_map_that_is_cold_everywhere_is_called_empty() -> None:
    case = sample_case(image=sample_image(), heat=np.zeros((7, 7), np.float32))
    assert "empty, nothing speaks for it" in render_report(sample_manifest(), cases=[case])


def test_cases_come_in_the_order_in_which_they_were_given() -> None:
    cases = [sample_case(reason=f"Reason {number}.") for number in (2, 1, 3)]
    assert re.findall(r"Reason (\d)\.", render_report(sample_manifest(), cases=cases)) == ["2", "1", "3"]


def test_a_case_names_no_pixels_where_it_is_printed() -> None:
    assert "array" not in repr(sample_case(image=sample_image(), heat=sample_heat(0, 0)))


def test_a_probability_short_of_one_is_never_shown_as_certain() -> None:
    sure = replace(sample_case(), probability=0.99996, confidence=0.99996)
    assert "1.000" not in show_case(sure).probability + show_case(sure).confidence
    assert show_case(sample_case()).probability == "0.973"


def test_a_png_keeps_every_pixel_and_the_order_of_its_colours() -> None:
    picture = np.array([[[200, 100, 50], [1, 2, 3]]], np.uint8)
    content = base64.b64decode(png_uri(picture).partition(",")[2])
    assert (decoded(content)[..., ::-1] == picture).all()
