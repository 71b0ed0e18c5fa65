"""A user who stands in a folder with rooms of the same names still gets ours, in workers too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes import Runs

ROOMS = ("models", "pipelines", "cluster")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for room in ROOMS:
        (folder / room).mkdir(parents=True)
        (folder / room / "__init__.py").write_text(f"raise SystemExit('{room} of the user were imported')\n")
    return folder


def test_screening_from_a_folder_with_rooms_of_its_own_uses_ours(foreign: Path, pictures: Path) -> None:
    runs = Runs(home=foreign.parent / "home", cwd=foreign)
    code, answer, err = runs.run("screen", pictures, "--out", "out", "--json")
    assert code == 0, err
    assert (answer["screened"], answer["quarantined"]) == (21, 5)
    assert (foreign / "out" / "anchor.json").is_file()


def test_python_dash_m_from_there_uses_ours_too(foreign: Path) -> None:
    command = [sys.executable, "-m", "sievert", "model", "show", "default", "--json"]
    done = subprocess.run(command, cwd=foreign, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr
