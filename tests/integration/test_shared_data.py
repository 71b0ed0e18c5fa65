"""The main job on real images, where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from sievert.records import Reason
from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]

SCREENED = {"highdicom/dx_image.dcm", "pydicom-data/RG1_J2KI.dcm"}
REFUSED = {
    "ct_ge/LICENSE": Reason.FORMAT_UNKNOWN,
    "ct_ge/01.dcm": Reason.SCOPE_MODALITY,
    "highdicom/ct_image.dcm": Reason.SCOPE_MODALITY,
    "highdicom/seg_image_cr_binary.dcm": Reason.FORMAT_NO_PIXELS,
    "highdicom/sr_document.dcm": Reason.FORMAT_NO_PIXELS,
    "highdicom/sm_image.dcm": Reason.SCOPE_MODALITY,
    "highdicom/sm_annotations.dcm": Reason.FORMAT_NO_PIXELS,
    "pydicom/MR_truncated.dcm": Reason.FORMAT_TRUNCATED,
    "pydicom/CT_small.dcm": Reason.SCOPE_MODALITY,
    "pydicom/rtplan.dcm": Reason.FORMAT_NO_PIXELS,
    "pydicom/rtdose.dcm": Reason.FORMAT_NO_PIXELS,
    "pydicom/rtplan.dump": Reason.FORMAT_UNKNOWN,
    "pydicom/no_meta.dcm": Reason.FORMAT_UNKNOWN,
    "pydicom/zipMR.gz": Reason.FORMAT_UNKNOWN,
    "pydicom/dicomdirtests/DICOMDIR": Reason.FORMAT_NO_PIXELS,
    "pydicom/dicomdirtests/77654033/CR1/6154": Reason.SCOPE_BODY_PART,
    "pydicom/JPEGLSNearLossless_08.dcm": Reason.SCOPE_UNDECLARED,
    "pydicom-data/RG3_J2KR.dcm": Reason.SCOPE_BODY_PART,
    "pydicom-data/US1_UNCR.dcm": Reason.SCOPE_MODALITY,
    "pydicom-data/LICENSE": Reason.FORMAT_UNKNOWN,
}


def test_a_hundred_real_chest_radiographs_are_screened_and_verify(sievert: Sievert, shared_data: Path) -> None:
    answer = sievert("screen", shared_data / "cxr_nih", "--out", sievert.home / "out", "--json").json
    assert answer["images"] == answer["screened"] + answer["quarantined"] == 100
    assert answer["screened"] == 100
    verified = sievert("verify", sievert.home / "out", "--json").json
    assert (verified["verified"], verified["failed"]) == (100, 0)


def test_real_dicom_files_are_screened_or_refused_for_the_right_reason(sievert: Sievert, shared_data: Path) -> None:
    folder = (shared_data / "dicom").resolve()
    answer = sievert("screen", folder, "--out", sievert.home / "out", "--json").json
    files = sum(path.is_file() for path in folder.rglob("*"))
    assert answer["images"] == answer["screened"] + answer["quarantined"] == files
    opened = sievert("open", sievert.home / "out", "--json").json
    assert {Path(record["source"]).relative_to(folder).as_posix() for record in opened} == SCREENED
    refused = sievert("open", sievert.home / "out", "--quarantined", "--json").json
    reasons = {Path(record["source"]).relative_to(folder).as_posix(): record["reason"] for record in refused}
    assert {name: reasons[name] for name in REFUSED} == REFUSED
    assert set(reasons.values()) <= set(Reason)


def test_volumes_and_skin_are_not_diagnosed_by_a_chest_model(sievert: Sievert, shared_data: Path) -> None:
    volumes = sorted((shared_data / "hippocampus" / "images").glob("*.nii*"))[:10]
    answer = sievert("screen", *volumes, "--out", sievert.home / "out", "--json")
    assert answer.json["reasons"] == {Reason.COMPLIANCE_SPATIAL_RANK: len(volumes)}
