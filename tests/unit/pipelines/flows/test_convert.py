"""Series become volumes without identity, a manifest, and reasons for what became none."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pipelines.admit.series.grouping import group_series
from pipelines.cohort.ids import Pseudonyms
from pipelines.flows.convert import MANIFEST, Converted, convert_series
from pipelines.labelled.manifests import read_labelled_manifest
from sievert.records import Reason
from sievert.settings import AdmitSettings
from tests.dicoms import SIDE, chest, encoded, ramp

KEY = bytes(32)
TURN = [1, 0, 0, 0, 0.8, -0.6]


def write_series(folder: Path, uid: str = "1.2.3", heights: tuple[float, ...] = (0, 2, 4), **changes: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.array([0, 0.6, 0.8])
    for number, height in enumerate(heights):
        place = {"ImagePositionPatient": [float(x) for x in normal * height + 5], "ImageOrientationPatient": TURN}
        common = {"Modality": "CT", "SeriesInstanceUID": uid, "PixelSpacing": [0.5, 0.25], "RescaleIntercept": -1024}
        about = {**place, **common, "RescaleSlope": 1, "BodyPartExamined": "HEAD", **changes}
        (folder / f"{uid}-{number}").write_bytes(encoded(chest(**about, PixelData=(ramp() + number).tobytes())))


def converted(folder: Path, to: Path) -> tuple[list[Converted], dict[Reason, int]]:
    found, others = group_series(sorted(str(path) for path in folder.rglob("*") if path.is_file()), max_bytes=1 << 30)
    return list(convert_series(found, to, identity_key=KEY, policy=AdmitSettings())), dict(others)


def test_voxels_and_places_are_the_dicom_files_own(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    (one,), _ = converted(tmp_path / "in", tmp_path / "out")
    image = nib.load(tmp_path / "out" / f"{one.series}.nii.gz")
    values = np.asarray(image.dataobj)
    assert values.dtype == np.int16
    assert np.array_equal(values[:, :, 1].T, ramp().astype(int) + 1 - 1024)
    right, anterior, superior = (image.affine @ [3, 5, 1, 1])[:3]
    lps = (
        np.array([5, 5, 5]) + 2 * np.array([0, 0.6, 0.8]) + 3 * 0.25 * np.array(TURN[:3]) + 5 * 0.5 * np.array(TURN[3:])
    )
    assert (-right, -anterior, superior) == pytest.approx(tuple(lps), abs=1e-4)
    assert one.shape == (3, SIDE, SIDE)
    assert one.spacing_mm == pytest.approx((2, 0.5, 0.25))


def test_nothing_that_is_written_names_a_patient(tmp_path: Path) -> None:
    write_series(tmp_path / "in", PatientID="PLANTED-1", PatientName="PLANTED^2", BodyPartExamined="PLANTED 3")
    (one,), _ = converted(tmp_path / "in", tmp_path / "out")
    written = list((tmp_path / "out").iterdir())
    assert len(written) == 3
    for path in written:
        assert b"PLANTED" not in path.name.encode() + path.read_bytes()
    assert one.body_part == ""
    assert one.patient == Pseudonyms(KEY).patient("PLANTED-1")


def test_the_manifest_is_one_that_training_reads_with_one_patient_for_all_their_series(tmp_path: Path) -> None:
    write_series(tmp_path / "in", "1.2.3")
    write_series(tmp_path / "in", "1.2.4")
    converted(tmp_path / "in", tmp_path / "out")
    lines = (tmp_path / "out" / MANIFEST).read_text().splitlines()
    assert lines[0] == "source,patient,modality,body_part"
    assert len({line.split(",")[1] for line in lines[1:]}) == 1
    assert {line.split(",", 2)[2] for line in lines[1:]} == {"CT,HEAD"}
    read_labelled_manifest(tmp_path / "out" / MANIFEST, needs_labels=False)


def test_a_series_that_makes_no_volume_costs_no_other(tmp_path: Path) -> None:
    write_series(tmp_path / "in", "1.2.3")
    write_series(tmp_path / "in", "1.2.4", heights=(0, 0, 4))
    write_series(tmp_path / "in", "1.2.5", heights=(0, 1, 2, 30))
    (tmp_path / "in" / "notes.txt").write_text("nothing")
    done, others = converted(tmp_path / "in", tmp_path / "out")
    assert [one.reason for one in done] == [None, Reason.COMPLIANCE_GEOMETRY, Reason.COMPLIANCE_GEOMETRY]
    assert others == {Reason.FORMAT_UNKNOWN: 1}
    assert len((tmp_path / "out" / MANIFEST).read_text().splitlines()) == 2


def test_what_an_earlier_run_wrote_is_kept_unless_the_series_grew(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    (first,), _ = converted(tmp_path / "in", tmp_path / "out")
    file = tmp_path / "out" / f"{first.series}.nii.gz"
    file.write_bytes(b"left as it is")
    (again,), _ = converted(tmp_path / "in", tmp_path / "out")
    assert (again.series, file.read_bytes()) == (first.series, b"left as it is")
    write_series(tmp_path / "in", heights=(0, 2, 4, 6))
    (grown,), _ = converted(tmp_path / "in", tmp_path / "out")
    assert grown.shape == (4, SIDE, SIDE)
    assert nib.load(file).shape == (SIDE, SIDE, 4)
