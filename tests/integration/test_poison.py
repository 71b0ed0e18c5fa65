"""A file on which a decoder's native code dies, or never ends, costs its own row, in a real run with real workers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sievert.records import Reason
from tests.integration.processes import Runs

DIES, HANGS = b"POISON-THAT-KILLS", b"POISON-THAT-HOLDS"
# Each Python process of the run takes this up: a picture with a poison in it kills or holds whatever process opens it.
# It holds in native code that keeps the interpreter's lock: no thread of Python's could end it.
SITECUSTOMIZE = f"""
import ctypes, time
from PIL import Image

opened = Image.open

def open_or_die(file, *arguments, **named):
    if {DIES!r} in file.getvalue():
        ctypes.string_at(0)
    if {HANGS!r} in file.getvalue():
        ctypes.PyDLL(None).sleep(1000)
    return opened(file, *arguments, **named)

Image.open = open_or_die
"""


def test_files_that_kill_or_hold_their_decoder_cost_their_own_rows_only(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    for name, poison in (("04.png", DIES), ("09.png", HANGS)):
        (folder / name).write_bytes((folder / name).read_bytes() + poison)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    extra = {"PYTHONPATH": str(tmp_path / "site"), "SIEVERT_ADMIT__TIMEOUT_S": "3"}
    runs = Runs(home=tmp_path / "home", cwd=tmp_path, extra=extra)
    code, answer, err = runs.run("screen", folder, "--out", tmp_path / "out", "--json")
    assert code == 0, err
    assert (answer["images"], answer["screened"]) == (26, 19)
    assert answer["reasons"][Reason.FORMAT_DECODER_CRASHED] == 2
    _, refused, _ = runs.run("open", tmp_path / "out", "--quarantined", "--json")
    crashed = {record["source"] for record in refused if record["reason"] == Reason.FORMAT_DECODER_CRASHED}
    assert crashed == {os.path.join(folder, name) for name in ("04.png", "09.png")}  # noqa: PTH118 - as it says it
    assert runs.run("verify", tmp_path / "out", "--json")[1]["failed"] == 0
