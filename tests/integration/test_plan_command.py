"""A job that Ray has run calibrates the plan of the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]


def test_a_finished_job_calibrates_the_plan_of_a_larger_one(sievert: Sievert, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert sievert("screen", pictures, "--out", out, "--json").code == 0
    told = sievert("plan", pictures, "--like", out, "--images", "1000000", "--json")
    assert told.code == 0
    answer = told.json
    assert answer["measured_on"] == 26
    assert answer["overheads_s"]["pool_s"] > 0
    assert answer["overheads_s"]["shard_s"] > 0
    work_s = sum(answer["stage_s"].values()) * 1_000_000
    assert answer["seconds"] > work_s / answer["workers"]


def test_a_job_that_went_on_still_calibrates(sievert: Sievert, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sievert("screen", pictures, "--out", out)
    again = sievert("screen", pictures, "--out", out, "--json")
    assert again.json["resumed"]
    assert sievert("plan", pictures, "--like", out, "--json").code == 0
