"""A file on which a decoder's native code dies, or never ends, costs its own row, in a real run with real workers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sievert.records import Reason
from tests.integration.processes import Runs

POISON = b"POISON-FOR-TESTS"
# Each Python process of the run takes this up: a picture with the poison in it kills the process that opens it.
SITECUSTOMIZE = """
import ctypes, time
from PIL import Image

opened = Image.open

def open_or_die(file, *arguments, **named):
    if %r in file.getvalue():
        %s
    return opened(file, *arguments, **named)

Image.open = open_or_die
"""


HANGS = "ctypes.PyDLL(None).sleep(1000)"
"""In native code that keeps the interpreter's lock: no thread of Python's could end it."""


@pytest.mark.parametrize("deed", ["ctypes.string_at(0)", HANGS], ids=["dies", "hangs"])
def test_a_file_that_kills_or_holds_its_decoder_costs_its_own_row_only(
    pictures: Path, tmp_path: Path, deed: str
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    picture = (folder / "09.png").read_bytes()
    (folder / "09.png").write_bytes(picture + POISON)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE % (POISON, deed))
    extra = {"PYTHONPATH": str(tmp_path / "site"), "SIEVERT_ADMIT__TIMEOUT_S": "3"}
    runs = Runs(home=tmp_path / "home", cwd=tmp_path, extra=extra)
    code, answer, err = runs.run("screen", folder, "--out", tmp_path / "out", "--json")
    assert code == 0, err
    assert (answer["images"], answer["screened"]) == (26, 20)
    assert answer["reasons"][Reason.FORMAT_DECODER_CRASHED] == 1
    _, refused, _ = runs.run("open", tmp_path / "out", "--quarantined", "--json")
    crashed = [record["source"] for record in refused if record["reason"] == Reason.FORMAT_DECODER_CRASHED]
    assert crashed == [os.path.join(folder, "09.png")]  # noqa: PTH118 - as the record says it
    assert runs.run("verify", tmp_path / "out", "--json")[1]["failed"] == 0
