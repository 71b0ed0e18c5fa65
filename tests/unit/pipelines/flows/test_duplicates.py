"""Each input that is like an earlier one is told once, by the strongest kind that holds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipelines.flows.duplicates import NEAR, SAME_FILE, SAME_PIXELS, find_duplicates
from sievert.records import Reason
from sievert.settings import AdmitSettings
from tests.unit.pipelines.preprocess.test_likeness import picture


def test_the_three_kinds_and_what_cannot_be_decoded(tmp_path: Path) -> None:
    pixels = picture(1)
    files = {
        "1.png": cv2.imencode(".png", pixels)[1].tobytes(),
        "2.png": cv2.imencode(".png", pixels)[1].tobytes(),
        "3.png": cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes(),
        "4.jpg": cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes(),
        "5.png": cv2.imencode(".png", picture(2))[1].tobytes(),
        "6.txt": b"no picture",
        "7.txt": b"no picture",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    counted: list[int] = []
    sources = [str(tmp_path / name) for name in [*files, "gone"]]
    found = find_duplicates(sources, AdmitSettings(), seen=lambda: counted.append(1))
    told = {(pair.kind, Path(pair.first).name, Path(pair.second).name) for pair in found.pairs}
    assert told == {
        (SAME_FILE, "1.png", "2.png"),
        (SAME_PIXELS, "1.png", "3.png"),
        (NEAR, "1.png", "4.jpg"),
        (SAME_FILE, "6.txt", "7.txt"),
    }
    assert found.inputs == len(counted) == 8
    assert dict(found.refused) == {Reason.FORMAT_UNKNOWN: 2, Reason.FORMAT_UNREADABLE: 1}
    assert "1.png" not in repr(found)


def test_an_empty_cohort_has_none() -> None:
    assert find_duplicates([], AdmitSettings()).pairs == []


def test_values_of_other_types_are_compared_by_what_they_show(tmp_path: Path) -> None:
    pixels = picture(3)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    cv2.imwrite(str(tmp_path / "b.png"), pixels.astype(np.uint16) * 257)
    (pair,) = find_duplicates([str(tmp_path / "a.png"), str(tmp_path / "b.png")], AdmitSettings()).pairs
    assert pair.kind == NEAR
