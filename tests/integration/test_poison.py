"""A file on which a decoder's native code dies costs its own row, in a real run with real workers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sievert.records import Reason
from tests.integration.processes import Runs

POISON = b"POISON-FOR-TESTS"
# Each Python process of the run takes this up: a picture with the poison in it kills the process that opens it.
SITECUSTOMIZE = f"""
import ctypes
from PIL import Image

opened = Image.open

def open_or_die(file, *arguments, **named):
    if {POISON!r} in file.getvalue():
        ctypes.string_at(0)
    return opened(file, *arguments, **named)

Image.open = open_or_die
"""


def test_a_file_that_kills_its_decoder_costs_its_own_row_only(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    picture = (folder / "09.png").read_bytes()
    (folder / "09.png").write_bytes(picture + POISON)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    runs = Runs(home=tmp_path / "home", cwd=tmp_path, extra={"PYTHONPATH": str(tmp_path / "site")})
    code, answer, err = runs.run("screen", folder, "--out", tmp_path / "out", "--json")
    assert code == 0, err
    assert (answer["images"], answer["screened"]) == (26, 20)
    assert answer["reasons"][Reason.FORMAT_DECODER_CRASHED] == 1
    _, refused, _ = runs.run("open", tmp_path / "out", "--quarantined", "--json")
    crashed = [record["source"] for record in refused if record["reason"] == Reason.FORMAT_DECODER_CRASHED]
    assert crashed == [os.path.join(folder, "09.png")]  # noqa: PTH118 - as the record says it
    assert runs.run("verify", tmp_path / "out", "--json")[1]["failed"] == 0
