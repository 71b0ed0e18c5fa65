"""A result becomes a Structured Report and a heat map in the patient's study, the same objects at every attempt."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

from pipelines.notify.dicom.channel import DicomChannel, derived_objects
from pipelines.notify.notice import Notice, Stage, Urgency
from pipelines.results.explanation import write_explanation
from pipelines.results.ledger.rpc.account import Secret
from sievert.errors import DeliveryError, RefusedNoticeError
from sievert.settings import DicomSettings
from tests.dicoms import chest, encoded
from tests.orthanc import Orthanc, find_orthanc

HEAT = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
IDENTITY = {
    "source": "/in/1.dcm",
    "PatientID": "PID-007",
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3.4",
    "SOPInstanceUID": "1.2.3.4.5",
    "AccessionNumber": "ACC-1",
}
RECORD: dict[str, Any] = {
    "job": "a" * 64, "index": 3, "record": "b" * 32, "patient": "c" * 32, "outcome": "screened", "modality": "DX",
    "model": {"name": "chest", "version": "1.0", "digest": "d" * 64}, "body_part": "CHEST", "threshold": 0.5,
    "decision": "positive", "diagnosis": "pneumonia", "probability": 0.93, "confidence": 0.93, "min_confidence": 0.6,
    "flagged": True, "attributes": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1"},
    "explanation": write_explanation(HEAT, target="pneumonia"),
}  # fmt: skip


def notice(identity: dict[str, str] = IDENTITY, **changes: object) -> Notice:
    issued = "2026-03-02T12:00:00+00:00"
    return Notice("ab" * 16, Stage.STORED, Urgency.ASAP, {**RECORD, **changes}, identity, issued)


def written(folder: Path, told: Notice) -> dict[str, pydicom.FileDataset]:
    DicomChannel(DicomSettings(folder=folder), None).deliver(told)
    return {str(pydicom.dcmread(file).Modality): pydicom.dcmread(file) for file in folder.iterdir()}


def test_the_report_says_what_was_found_on_which_image_by_which_model(tmp_path: Path) -> None:
    (file,) = [one for one in _files(tmp_path, notice()) if pydicom.dcmread(one).Modality == "SR"]
    report: Any = highdicom.sr.srread(file)
    (group,) = report.content.get_image_measurement_groups()
    assert {str(one.name.meaning): float(one.value) for one in group.get_measurements()} == {
        "Probability of the positive label": 0.93,
        "Positive from this probability on": 0.5,
        "Confidence in the decision": 0.93,
    }
    assert [str(one.value.meaning) for one in group.get_qualitative_evaluations()] == ["Positive", "pneumonia"]
    assert group.source_images[0].referenced_sop_instance_uid == "1.2.3.4.5"
    assert (report.StudyInstanceUID, report.PatientID, report.PatientName) == ("1.2.3", "PID-007", "")
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")


def _files(folder: Path, told: Notice) -> list[Path]:
    written(folder, told)
    return sorted(folder.iterdir())


def test_the_heat_map_is_a_picture_in_the_study_but_in_a_series_of_its_own(tmp_path: Path) -> None:
    made = written(tmp_path, notice())
    capture = made["OT"]
    assert capture.StudyInstanceUID == "1.2.3"
    assert capture.SeriesInstanceUID not in {"1.2.3.4", made["SR"].SeriesInstanceUID}
    pixels = capture.pixel_array
    assert pixels[20, 20].tolist() == [96, 96, 96]  # cold: plain grey
    assert pixels[500, 500, 0] > 150  # hot


def test_the_same_notice_is_the_same_object_to_the_byte(tmp_path: Path) -> None:
    once = {file.name: file.read_bytes() for file in _files(tmp_path / "a", notice())}
    again = {file.name: file.read_bytes() for file in _files(tmp_path / "b", notice())}
    assert once == again
    assert len(once) == 2


def test_files_are_for_their_owner_alone_and_named_after_nobody(tmp_path: Path) -> None:
    for file in _files(tmp_path / "a", notice()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.name.startswith("2.25.")


@pytest.mark.parametrize("modality", ["SR", "OT"])
def test_dciodvfy_finds_no_error(tmp_path: Path, modality: str) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy is absent: run `make services`")
    written(tmp_path, notice())
    (file,) = [one for one in tmp_path.iterdir() if pydicom.dcmread(one).Modality == modality]
    said = subprocess.run([program, str(file)], capture_output=True, text=True, check=False)
    assert "Error" not in said.stderr + said.stdout


@pytest.mark.parametrize(
    "told",
    [
        notice(identity={"source": "/in/1.png"}),
        notice(attributes={}),
        notice(outcome="quarantined"),
    ],
)
def test_what_was_no_screened_instance_has_no_objects(told: Notice) -> None:
    assert derived_objects(told) == []


def test_a_result_without_heat_map_has_a_report_alone() -> None:
    assert [str(one.Modality) for one in derived_objects(notice(explanation=None))] == ["SR"]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program = find_orthanc()
    if program is None:
        pytest.skip("Orthanc is absent: run `make services`")
    server = Orthanc(program, tmp_path_factory.mktemp("orthanc"))
    yield server
    server.stop()


def test_objects_are_stored_beside_the_image_and_a_repeat_leaves_one_each(orthanc: Orthanc) -> None:
    uids = {name: IDENTITY[name] for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID")}
    orthanc.store(encoded(chest(**uids)))
    channel = DicomChannel(DicomSettings.model_validate({"url": orthanc.dicomweb}), None)
    for _ in range(2):
        channel.deliver(notice())
    assert orthanc.ask("/statistics")["CountStudies"] == 1
    series = orthanc.ask("/dicom-web/studies/1.2.3/series")
    assert sorted(one["00080060"]["Value"][0] for one in series) == ["DX", "OT", "SR"]
    assert orthanc.ask("/statistics")["CountInstances"] == 3


def test_a_server_that_is_away_or_refuses_is_told_without_a_word_of_the_patient(orthanc: Orthanc) -> None:
    for url, kind in (("http://127.0.0.1:9/x", DeliveryError), (f"{orthanc.root}/nowhere", RefusedNoticeError)):
        channel = DicomChannel(DicomSettings.model_validate({"url": url}), Secret("the-token"))
        with pytest.raises(kind) as told:
            channel.deliver(notice())
        assert not any(word in str(told.value) + repr(channel) for word in ("PID-007", "1.2.3", "the-token", url))
