from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.networks.registry import ARCHITECTURES
from models.package import load_package, shipped_packages
from sievert.cli.main import run
from sievert.cli.model import app
from sievert.errors import ModelError


def test_list_names_every_shipped_package_with_its_test_figures() -> None:
    listed = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert [one["name"] for one in listed] == list(shipped_packages())
    default = next(one for one in listed if one["name"] == "default")
    assert default["digest"] == load_package("default").digest
    assert default["auroc"] > 0.9
    assert "default" in CliRunner().invoke(app, ["list"]).stdout


def test_list_of_the_zoo_says_what_each_architecture_reads_and_takes() -> None:
    listed = {one["name"]: one for one in json.loads(CliRunner().invoke(app, ["list", "--zoo", "--json"]).stdout)}
    assert list(listed) == list(ARCHITECTURES)
    assert listed["resnet50"]["parameters"]["2-D"] == pytest.approx(23.5e6, rel=0.01)
    assert set(listed["recurrent"]["parameters"]) == {"3-D"}
    assert "size" in listed["vit"]["options"]
    assert all(one["title"] and one["source"] for one in listed.values())


def test_list_of_the_zoo_can_be_read_by_people() -> None:
    told = CliRunner().invoke(app, ["list", "--zoo"]).stdout
    assert "M parameters" in told
    for name in ARCHITECTURES:
        assert f"{name}  " in told


def test_check_of_a_whole_package_prints_a_line_a_check() -> None:
    done = CliRunner().invoke(app, ["check", "default"])
    assert done.exit_code == 0
    lines = [line.split()[1] for line in done.stdout.splitlines()]
    assert lines == ["files:", "metadata:", "recipe:", "calibration:", "card:", "network:", "weights:"]


def test_check_of_a_damaged_package_ends_with_the_code_of_a_model_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(shipped_packages()["default"], tmp_path / "copy"))
    (copy / "docs" / "README.md").write_text("another card", "utf-8")
    assert run(["model", "check", str(copy), "--json"]) == ModelError.exit_code
    answer = json.loads(capsys.readouterr().out)
    assert not answer["passed"]
    assert {one["name"] for one in answer["checks"] if one["passed"] is False} == {"files"}
    assert run(["model", "check", str(copy)]) == ModelError.exit_code
    assert "failed files: " in capsys.readouterr().out


def test_show_tells_what_the_network_reads() -> None:
    shown = json.loads(CliRunner().invoke(app, ["show", "default", "--json"]).stdout)
    metadata = load_package("default").metadata
    assert shown["input"] == [metadata.channels, *metadata.shape]
    assert shown["metrics"]["test"]["auroc"] > 0.9
