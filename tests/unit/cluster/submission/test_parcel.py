from __future__ import annotations

import io
import zipfile
from pathlib import Path

from cluster.submission.parcel import ROOMS, pack_sievert
from tests.conftest import ROOT


def draw_rooms(folder: Path) -> Path:
    for room in ROOMS:
        (folder / room / "__pycache__").mkdir(parents=True)
        (folder / room / "__init__.py").write_text(f'"""{room}."""\n', "utf-8")
        (folder / room / "__pycache__" / "old.pyc").write_bytes(b"old")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text("", "utf-8")
    return folder


def names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def test_a_parcel_holds_the_rooms_and_nothing_beside_them(tmp_path: Path) -> None:
    assert names(pack_sievert(draw_rooms(tmp_path)).content) == [f"{room}/__init__.py" for room in ROOMS]


def test_the_same_files_are_the_same_parcel_and_others_another(tmp_path: Path) -> None:
    one, other = draw_rooms(tmp_path / "one"), draw_rooms(tmp_path / "other")
    assert pack_sievert(one) == pack_sievert(other)
    (other / "sievert" / "__init__.py").write_text("__version__ = 2\n", "utf-8")
    assert pack_sievert(one).name != pack_sievert(other).name


def test_weights_and_pages_travel_too() -> None:
    found = names(pack_sievert(ROOT).content)
    assert any(name.endswith(".safetensors") for name in found)
    assert any(name.startswith("serve/") and name.endswith(".js") for name in found)
