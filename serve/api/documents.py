"""The record of a study as the documents that a hospital's systems read: FHIR DiagnosticReport, DICOM SR."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipelines.notify.notice import Notice, Stage, Urgency, notice_id
from sievert.records import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.flows.online.screener import Answer

_URGENCY = {Decision.POSITIVE.value: Urgency.URGENT, Decision.UNCERTAIN.value: Urgency.ASAP}


def notice_of(answer: Answer) -> Notice:
    """A study's answer as what is told of it; who sent the study may have its patient named."""
    record = answer.record
    return Notice(
        id=notice_id(record["job"], record["record"]),
        stage=Stage.STORED,
        urgency=_URGENCY.get(record.get("decision", ""), Urgency.ROUTINE),
        record=record,
        identity=answer.identity,
        issued=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def diagnostic_report(answer: Answer) -> dict[str, Any]:
    """A FHIR R4 DiagnosticReport that holds its Observation and Device (R4, 2.28.5.4, contained resources)."""
    from fhir.resources.R4B.diagnosticreport import DiagnosticReport

    from pipelines.notify.fhir.resources import device, observation, report, subject

    notice = notice_of(answer)
    about = subject(notice, None)
    finding = observation(notice, about, "#device")
    told = report(notice, about, result="#finding" if finding else None, study=None)
    contained = [{**device(notice), "id": "device"}, *([{**finding, "id": "finding"}] if finding else [])]
    # a contained resource must be referred to: what was refused has no finding that names the device
    told["contained"] = contained if finding else []
    model = DiagnosticReport.model_validate({key: value for key, value in told.items() if value != []})
    found: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return found


def report_bundle(answers: Sequence[Answer]) -> dict[str, Any]:
    """The reports of several studies, as a collection."""
    entries = [{"resource": diagnostic_report(one)} for one in answers]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def structured_reports(answers: Sequence[Answer]) -> list[bytes]:
    """DICOM Structured Reports (template 1500), as files; of screened DICOM instances only."""
    from pipelines.notify.dicom.source import source_image
    from pipelines.notify.dicom.structured import structured_report

    found = []
    for answer in answers:
        notice = notice_of(answer)
        source = source_image(notice)
        if source is None or answer.record["outcome"] != Outcome.SCREENED:
            continue
        sink = io.BytesIO()
        structured_report(notice, source).save_as(sink, enforce_file_format=True)
        found.append(sink.getvalue())
    return found
