from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.results.cases import most_urgent
from pipelines.results.explanation import LARGEST_SIDE, read_explanation, shrink_map, write_explanation
from pipelines.results.opening import open_records
from pipelines.results.report.pictures import show_case
from pipelines.results.reporting import report_job
from pipelines.results.rows import pad_record
from tests.jobs import Job, finish_job
from tests.packages import make_package

UNSURE = np.array([[0.0], [0.01]], np.float32)
"""Says next to nothing, so that every image is uncertain and flagged."""


@pytest.fixture(scope="module")
def without_maps(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Job:
    """A finished job of a network that has no linear head."""
    home = tmp_path_factory.mktemp("without-maps")
    package = make_package(home / "model", UNSURE, shape=(16, 16), labels=("clear", "finding"), head_tensor=None)
    return finish_job([str(pictures)], home, package=package)


def test_flagged_records_of_a_network_without_exact_maps_say_so_with_null(without_maps: Job) -> None:
    screened = [record for record in open_records(without_maps.out, without_maps.keys) if "flagged" in record]
    assert len(screened) == 21
    assert all(record["flagged"] and record["explanation"] is None for record in screened)


def test_cases_without_a_map_name_what_is_looked_for_and_show_the_picture(without_maps: Job) -> None:
    cases = most_urgent(without_maps.out, without_maps.keys, 2)
    assert [case.target for case in cases] == ["finding", "finding"]
    assert all(case.heat is None and case.image is not None for case in cases)
    assert not any("map" in case.reason for case in cases)
    assert show_case(cases[0]).overlay == ""
    page = report_job(without_maps.out.path, cases=1, keys=lambda: without_maps.keys)
    assert "This record holds no map" in page


def test_cases_with_a_map_name_the_class_that_it_speaks_for(finished: Job) -> None:
    for case in most_urgent(finished.out, finished.keys, 2):
        assert case.target == "pneumonia"
        assert case.heat is not None


def test_large_maps_are_shrunk_so_that_a_record_tells_nothing_by_its_length() -> None:
    rows, columns = np.mgrid[:56, :28]
    heat = np.exp(-((rows - 40) ** 2 + (columns - 7) ** 2) / 60).astype(np.float32)
    small = shrink_map(heat)
    assert small.shape == (LARGEST_SIDE, LARGEST_SIDE // 2)
    assert small.max() == 1
    assert np.argwhere(small == 1).tolist() == [[10, 1]]
    told = {"index": 1, "decision": "positive", "explanation": write_explanation(small, target="pneumonia")}
    assert len(pad_record(told)) == len(pad_record({"index": 1, "decision": "negative", "explanation": None}))


def test_small_maps_stay_as_they_are() -> None:
    heat = np.random.default_rng(0).random((7, 7)).astype(np.float32)
    assert shrink_map(heat) is heat
    assert read_explanation(write_explanation(heat, target="a")) == pytest.approx(heat, abs=1 / 255)
