"""A disk that is really full. Long-ish and in need of root: part of `make chaos`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sievert.errors import DiskFullError
from tests.integration.processes import Runs

pytestmark = pytest.mark.chaos


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid():
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_the_job_goes_on_once_there_is_room(
    small_disk: Path, pictures: Path, tmp_path: Path
) -> None:
    runs = Runs(home=tmp_path / "home", cwd=tmp_path)
    code, answer, err = runs.run("screen", pictures, "--out", small_disk / "out", "--json")
    assert code == DiskFullError.exit_code, err
    assert answer["error"] == "DiskFullError"
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    code, answer, err = runs.run("screen", pictures, "--out", small_disk / "out", "--json")
    assert code == 0, err
    assert answer["screened"] == 21
    assert runs.run("verify", small_disk / "out", "--json")[1]["failed"] == 0
