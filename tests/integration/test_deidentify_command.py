"""`sievert deidentify` and `sievert reidentify` as a user calls them."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from models.textfinder.grounds import draw_ground
from models.textfinder.lettering import TEST_FACES
from models.textfinder.planting import Planted, plant
from tests.dicoms import SIDE, chest, encoded
from tests.integration.conftest import Sievert

COVERED = 0.95


def radiograph(seed: int) -> Planted:
    """With two lines of text burned in."""
    random = np.random.default_rng(seed)
    return plant(draw_ground(random, side=4 * SIDE), random, faces=TEST_FACES, lines=2, heights=(14, 30))


def test_text_goes_from_the_pixels_and_names_from_all_else_and_the_site_knows_the_way_back(sievert: Sievert) -> None:
    planted = [radiograph(seed) for seed in range(10)]
    folder = sievert.home / "in"
    folder.mkdir()
    for number, one in enumerate(planted):
        pixels = (one.picture * 4000 + 50).astype(np.uint16)
        about = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "InstanceNumber": number}
        sides = {"Rows": 4 * SIDE, "Columns": 4 * SIDE, "SOPInstanceUID": f"1.2.3.4.{number + 1}"}
        (folder / f"{number}.dcm").write_bytes(encoded(chest(**about, **sides, PixelData=pixels.tobytes())))
    told = sievert("deidentify", folder, "--to", sievert.home / "out", "--json").json["studies"][0]
    assert len(told["written"]) == 10
    objects = {int(read.InstanceNumber): read for read in map(pydicom.dcmread, (sievert.home / "out").rglob("*.dcm"))}
    covered = [_gone(one, objects[number]) for number, one in enumerate(planted)]
    assert np.mean(covered) >= COVERED
    assert not any(b"DOE" in file.read_bytes() for file in (sievert.home / "out").rglob("*") if file.is_file())
    known = sievert("reidentify", told["patient"], "--json").json["studies"][0]
    assert (known["patient_id"], known["patient_name"]) == ("PID-007", "DOE^JANE")


def _gone(planted: Planted, written: pydicom.Dataset) -> float:
    """Share of ink that is blank now."""
    return float((written.pixel_array[planted.ink] == written.pixel_array.min()).mean())


def test_a_folder_without_dicom_says_so(sievert: Sievert) -> None:
    (sievert.home / "in").mkdir()
    (sievert.home / "in" / "notes.txt").write_text("nothing")
    refused = sievert("deidentify", sievert.home / "in", "--to", sievert.home / "out")
    assert refused.code == 23
    assert "no object could be de-identified" in refused.err


@pytest.mark.parametrize("name", ["0" * 32, "x"])
def test_a_pseudonym_that_nobody_has_says_so(sievert: Sievert, name: str) -> None:
    (sievert.home / "in").mkdir()
    (sievert.home / "in" / "a.dcm").write_bytes(encoded(chest(SeriesInstanceUID="1.2.3")))
    sievert("deidentify", sievert.home / "in", "--to", sievert.home / "out")
    refused = sievert("reidentify", name)
    assert refused.code != 0
    assert "no such patient" in refused.err
