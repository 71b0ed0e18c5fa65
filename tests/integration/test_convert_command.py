"""`sievert convert` as a user calls it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.conftest import Sievert


def test_the_tilted_ct_becomes_a_volume_and_a_folder_without_one_says_why(sievert: Sievert, shared_data: Path) -> None:
    answer = sievert("convert", shared_data / "dicom" / "ct_ge", "--to", sievert.home / "volumes", "--json").json
    (one,) = answer["series"]
    assert (one["resampled"], one["tilt_deg"], one["files"]) == (True, 18.5, 28)
    assert (sievert.home / "volumes" / f"{one['series']}.nii.gz").exists()
    refused = sievert("convert", shared_data / "cxr_nih", "--to", sievert.home / "none")
    assert refused.code == 23
    assert "no series makes a volume" in refused.err
