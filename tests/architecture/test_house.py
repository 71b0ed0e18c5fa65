"""The house's own rules, as far as no linter holds them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("sievert", "cluster", "pipelines", "models", "serve")
OURS = [file for room in (*ROOMS, "benchmarks", "docs", "tests") for file in sorted((ROOT / room).rglob("*.py"))]
WRITTEN = [
    *OURS,
    *(file for pattern in ("*.md", "docs/**/*.md", "*.toml", "Makefile", ".ci/run") for file in ROOT.glob(pattern)),
]
LONGEST_FILE = 280


def test_imports_point_down_and_ray_stays_where_it_belongs() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_reference_pages_say_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_left_to_be_done_in_the_code() -> None:
    word = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3 + "\\b", "NotImplemented" + "Error\\(\\)")))
    assert [file.name for file in OURS if word.search(file.read_text("utf-8"))] == []


def test_no_path_of_a_machine_stands_in_what_we_wrote() -> None:
    machine = re.compile("/(home|root|work|Users)" + "/[a-z]")
    assert [file.name for file in WRITTEN if machine.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("file", [file for file in OURS if "tests" not in file.parts], ids=lambda file: file.name)
def test_a_file_can_be_read_at_a_sitting(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST_FILE


def test_rooms_that_architecture_names_are_there_and_no_other() -> None:
    told = set(re.findall(r"^([a-z]+)/ ", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE))
    there = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py")) and path.name[0] != "."}
    assert told == there


def test_help_needs_no_heavy_import() -> None:
    heavy = {"ray", "torch", "cv2", "numpy", "pyarrow", "eth", "pydantic", "cryptography"}
    program = f"import sys, sievert.cli.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
