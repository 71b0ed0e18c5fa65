"""File names are bytes: whatever stands in one, the run ends and the answer can be read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]
NAMES = [
    b"[red]markup.png",
    b"line\nbreak.png",
    b"\xff\xfe not unicode.png",
    b"\x1b[31mescape.png",
    "日本.png".encode(),
]


def test_odd_names_are_screened_opened_and_told(sievert: Sievert, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "[bold]odd"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(pictures / "00.png", folder / os.fsdecode(name))
    out = folder / "out"
    answer = sievert("screen", folder, "--out", out)
    assert answer.code == 0, answer.err
    assert str(out) in answer.out.replace("\\[", "[")
    opened = sievert("open", out, "--json").json
    assert {os.fsencode(record["source"]).rsplit(b"/", 1)[1] for record in opened} == set(NAMES)
    shown = sievert("open", out).out
    assert "\x1b[31m" not in shown
    assert "[red]markup.png" in shown.replace("\n", "").replace(" ", "")
    assert sievert("verify", out).code == 0
