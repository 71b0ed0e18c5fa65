"""A notice becomes resources that a FHIR R4 server takes, once each, and a completed task is an acknowledgement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.notify.channels import open_channels
from pipelines.notify.fhir.bundle import fhir_bundle
from pipelines.notify.fhir.channel import FhirChannel
from pipelines.notify.notice import Notice, Stage, Urgency
from pipelines.results.ledger.anchor import Anchor
from pipelines.results.ledger.rpc.account import Secret
from sievert.errors import DeliveryError, RefusedNoticeError
from sievert.settings import FhirSettings, NotifySettings
from tests.fhirserver import FhirServer
from tests.notices import seal_job, tell

ANCHOR = Anchor(
    job=bytes(32), root=b"\x01" * 32, count=9, chain_id=1, contract="0xC", code_hash="0x00", block=7, time=8,
    transaction="0xabc", sender="0xd", kind="rpc",
)  # fmt: skip
IDENTITY = {
    "source": "/in/1.dcm",
    "PatientID": "PID-007",
    "IssuerOfPatientID": "Hospital",
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
}  # fmt: skip
REFUSED: dict[str, Any] = {
    **{name: RECORD[name] for name in ("job", "index", "record", "patient", "model")},
    "outcome": "quarantined",
    "reason": "format.truncated",
    "explanation": "The file ends before its image does.",
}


def notice(record: dict[str, Any] = RECORD, identity: dict[str, str] = IDENTITY, stage: Stage = Stage.STORED) -> Notice:
    anchor = ANCHOR if stage is Stage.ANCHORED else None
    return Notice("ab" * 16, stage, Urgency.ASAP, record, identity, "2026-03-02T12:00:00+00:00", anchor)


def resources(told: Notice, **options: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - options of the bundle
    bundle = json.loads(fhir_bundle(told, **options).model_dump_json())
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}


@pytest.fixture
def server() -> Iterator[FhirServer]:
    running = FhirServer()
    yield running
    running.stop()


def channel(server: FhirServer, token: str | None = None, **settings: object) -> FhirChannel:
    chosen = FhirSettings.model_validate({"url": server.url, **settings})
    return FhirChannel(chosen, Secret(token) if token else None)


def test_a_report_says_what_was_found_of_whom_in_which_study_by_what() -> None:
    made = resources(notice(), patient_system="urn:oid:1.2.36")
    report, finding, study = made["DiagnosticReport"], made["Observation"], made["ImagingStudy"]
    assert (report["status"], report["conclusion"]) == ("preliminary", "pneumonia")
    assert report["subject"]["identifier"] == {
        "system": "urn:oid:1.2.36",
        "value": "PID-007",
        "assigner": {"display": "Hospital"},
    }
    assert finding["valueQuantity"]["value"] == 0.93
    assert finding["interpretation"][0]["coding"][0]["code"] == "POS"
    assert [one["value"] for one in study["identifier"]] == ["urn:oid:1.2.3", "ACC-1"]
    assert study["series"][0]["instance"][0]["uid"] == "1.2.3.4.5"
    assert made["Device"]["identifier"][0]["value"] == "d" * 64
    assert (made["Task"]["status"], made["Task"]["priority"]) == ("requested", "asap")
    assert "Patient" not in made


def test_an_image_without_header_is_told_of_under_its_pseudonym() -> None:
    made = resources(notice(identity={"source": "/in/1.png"}))
    assert "ImagingStudy" not in made
    assert made["DiagnosticReport"]["subject"]["identifier"] == {"system": "urn:sievert:pseudonym", "value": "c" * 32}


@pytest.mark.parametrize(
    "identity", [{"StudyInstanceUID": "1.2"}, {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.3"}]
)
def test_a_study_of_which_little_is_known_is_still_one(identity: dict[str, str]) -> None:
    assert resources(notice(identity=identity))["ImagingStudy"]["identifier"][0]["value"] == "urn:oid:1.2"


def test_what_could_not_be_screened_is_a_cancelled_report_with_its_reason_and_a_task() -> None:
    made = resources(notice(REFUSED))
    assert made["DiagnosticReport"]["status"] == "cancelled"
    assert "ends before its image" in made["DiagnosticReport"]["conclusion"]
    assert "Observation" not in made
    assert "Task" in made


def test_nobody_is_asked_to_look_at_a_negative_result() -> None:
    made = resources(notice({**RECORD, "decision": "negative", "flagged": False}))
    assert "Task" not in made


R4 = {
    "Device": "identifier status deviceName version",
    "ImagingStudy": "identifier status subject series",
    "Observation": "identifier status category code subject issued valueQuantity interpretation bodySite device "
    "component",
    "DiagnosticReport": "identifier status category code subject issued result imagingStudy conclusion extension",
    "Task": "identifier status intent priority code description focus for authoredOn",
}
"""What we use of each, held against hl7.org/fhir/R4 by hand: the models are R4B's."""


@pytest.mark.parametrize("stage", list(Stage))
def test_only_elements_that_r4_has_are_used(stage: Stage) -> None:
    for kind, resource in resources(notice(stage=stage)).items():
        assert set(resource) - {"resourceType"} <= set(R4[kind].split())


def test_a_notice_sent_again_changes_nothing_and_the_anchor_makes_a_version_of_the_report(server: FhirServer) -> None:
    for told in (notice(), notice(), notice(stage=Stage.ANCHORED), notice(stage=Stage.ANCHORED)):
        channel(server).deliver(told)
    once = {"Device": 1, "ImagingStudy": 1, "Observation": 1, "DiagnosticReport": 1, "Task": 1}
    assert server.count() == once
    versions = {kind.partition("/")[0]: count for kind, count in server.versions.items()}
    assert versions == {**once, "DiagnosticReport": 2}
    (report,) = server.resources["DiagnosticReport"]
    assert {one["url"]: one["valueString"] for one in report["extension"][0]["extension"]}["transaction"] == "0xabc"
    assert report["result"][0]["reference"].startswith("Observation/")


def test_a_task_that_a_clinician_completed_is_an_acknowledgement_and_stays_so(server: FhirServer) -> None:
    fhir = channel(server)
    fhir.deliver(notice())
    assert fhir.acknowledged(["ab" * 16, "cd" * 16]) == set()
    server.resources["Task"][0]["status"] = "completed"
    fhir.deliver(notice(stage=Stage.ANCHORED))
    assert fhir.acknowledged(["ab" * 16, "cd" * 16]) == {"ab" * 16}


def test_an_escalation_is_a_task_of_its_own_at_once(server: FhirServer) -> None:
    fhir = channel(server)
    fhir.deliver(notice())
    fhir.deliver(notice(stage=Stage.ESCALATED))
    assert sorted(one["priority"] for one in server.resources["Task"]) == ["asap", "stat"]
    assert server.count()["DiagnosticReport"] == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RefusedNoticeError), (422, RefusedNoticeError), (409, DeliveryError), (503, DeliveryError)],
)
def test_a_refusal_is_final_or_passing_and_says_nothing_of_the_patient(
    server: FhirServer, status: int, kind: type[DeliveryError]
) -> None:
    server.refuses = status
    with pytest.raises(kind) as told:
        channel(server).deliver(notice())
    assert isinstance(told.value, RefusedNoticeError) == (kind is RefusedNoticeError)
    assert "PID-007" not in str(told.value)
    assert server.url not in str(told.value)


def test_the_token_goes_to_the_server_and_into_no_repr(server: FhirServer) -> None:
    fhir = channel(server, "the-token")
    fhir.deliver(notice())
    assert server.seen == ["Bearer the-token"]
    assert "the-token" not in repr(fhir)


def test_a_value_that_fhir_does_not_take_is_refused_not_raised(server: FhirServer) -> None:
    with pytest.raises(RefusedNoticeError) as told:
        channel(server).deliver(notice(identity={**IDENTITY, "SeriesInstanceUID": "PLANTED no uid"}))
    assert "PLANTED" not in str(told.value)


def test_a_job_is_written_through_the_notifier_as_the_settings_say(server: FhirServer, tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.1, 0.5, 0.95])
    (route,) = open_channels(NotifySettings(fhir=FhirSettings.model_validate({"url": server.url})))
    tell(job, replace(route))
    tell(job, replace(route))
    assert server.count()["DiagnosticReport"] == 2
    assert {one["interpretation"][0]["coding"][0]["code"] for one in server.resources["Observation"]} == {"POS", "IND"}
