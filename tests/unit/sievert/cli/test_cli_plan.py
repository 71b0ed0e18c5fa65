from __future__ import annotations

import json
from pathlib import Path

import pytest

from sievert.cli.main import run


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_a_plan_by_a_sample_is_told_and_leaves_nothing(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    code = run(["plan", str(pictures), "--sample", "20", "--cluster", "hospital", "--price", "2", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert answer["inputs"] == 26
    assert answer["nodes"] == 4
    assert answer["low_s"] < answer["seconds"] < answer["high_s"]
    assert answer["cost"] == pytest.approx(answer["node_hours"] * 2)
    assert [one["nodes"] for one in answer["table"]] == [1, 2, 4, 5, 10, 20]
    assert answer["bytes"]["worker"] > 0
    assert sorted(tmp_path.rglob("*")) == before


def test_people_are_told_the_same_for_a_cohort_that_is_not_there_yet(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sievert.toml").write_text("[plan.profiles.ours]\nnodes = 3\ncpus = 8\nprice_per_hour = 0.5\n")
    assert run(["plan", str(pictures), "--sample", "4", "--cluster", "ours", "--images", "1000000"]) == 0
    told = capsys.readouterr().out
    assert "1,000,000 inputs in 977 shards of 1024, 24 workers on 3 node(s) of ours" in told
    for word in ("expected:", "node-hours", "memory:", "bytes:", "admit", "bound by"):
        assert word in told


def test_an_unknown_profile_and_a_folder_without_a_job_are_told_in_a_line(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", str(pictures), "--cluster", "moon"]) != 0
    assert "no cluster profile is named moon. Known are cloud" in capsys.readouterr().err
    assert run(["plan", str(pictures), "--like", str(tmp_path)]) != 0
    assert "no finished job" in capsys.readouterr().err
