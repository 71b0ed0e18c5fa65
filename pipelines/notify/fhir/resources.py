"""The resources of one notice, as FHIR R4 JSON.

R4B's models of fhir.resources hold them to types and required elements; what R4B added to these resources is not used
(docs/fhir.md), so a server of R4 takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.notify.fhir.coding import (
    ACCESSION,
    ACKNOWLEDGEMENT,
    ANCHOR,
    DICOM_UID,
    IMAGING,
    IMAGING_STUDY,
    MODEL,
    NOTICE,
    PSEUDONYM,
    RADIOLOGY,
    interpretation,
    modality,
    named,
    share,
    task_value,
)
from pipelines.notify.notice import Stage
from sievert.records import Outcome

if TYPE_CHECKING:
    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.anchor import Anchor

Json = dict[str, Any]


def subject(notice: Notice, patient_system: str | None) -> Json:
    """Who it is about: a logical reference, since the patient's resource is the hospital's own."""
    identity = notice.identity
    value = identity.get("patient") or identity.get("PatientID")
    if not value:
        return {"type": "Patient", "identifier": named(PSEUDONYM, notice.record["patient"])}
    identifier: Json = {"value": value}
    if patient_system:
        identifier["system"] = patient_system
    if issuer := identity.get("IssuerOfPatientID"):
        identifier["assigner"] = {"display": issuer}
    return {"type": "Patient", "identifier": identifier}


def device(notice: Notice) -> Json:
    """The model package that said it."""
    model = notice.record["model"]
    return {
        "resourceType": "Device",
        "identifier": [named(MODEL, model["digest"])],
        "status": "active",
        "deviceName": [{"name": model["name"], "type": "model-name"}],
        "version": [{"value": model["version"]}],
    }


def imaging_study(notice: Notice, about: Json) -> Json | None:
    """The study that was looked at; None where the image belonged to none (a PNG)."""
    identity = notice.identity
    if "StudyInstanceUID" not in identity:
        return None
    identifiers: list[Json] = [named(DICOM_UID, f"urn:oid:{identity['StudyInstanceUID']}")]
    if accession := identity.get("AccessionNumber"):
        identifiers.append({"type": ACCESSION, "value": accession})
    found: Json = {
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "subject": about,
    }
    if series := _series(notice):
        found["series"] = [series]
    return found


def _series(notice: Notice) -> Json | None:
    """Series and instance, where all that FHIR asks of them is known."""
    identity, code = notice.identity, notice.record.get("modality")
    kind = notice.record.get("attributes", {}).get("SOPClassUID")
    if not (identity.get("SeriesInstanceUID") and code):
        return None
    series: Json = {"uid": identity["SeriesInstanceUID"], "modality": modality(code)}
    if identity.get("SOPInstanceUID") and kind:
        sop_class = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{kind}"}
        series["instance"] = [{"uid": identity["SOPInstanceUID"], "sopClass": sop_class}]
    return series


def observation(notice: Notice, about: Json, by: str) -> Json | None:
    """The probability and what was decided of it; None of what was not screened."""
    record = notice.record
    if record["outcome"] != Outcome.SCREENED:
        return None
    return {
        "resourceType": "Observation",
        "identifier": [named(NOTICE, f"{notice.id}-finding")],
        "status": "preliminary",
        "category": [IMAGING],
        "code": {"text": f"Probability by {record['model']['name']} {record['model']['version']}"},
        "subject": about,
        "issued": notice.issued,
        "valueQuantity": share(record["probability"]),
        "interpretation": [interpretation(record["decision"])],
        "bodySite": {"text": record["body_part"]},
        "device": {"reference": by},
        "component": [
            {"code": {"text": "Positive from this probability on"}, "valueQuantity": share(record["threshold"])},
            {"code": {"text": "Confidence in the decision"}, "valueQuantity": share(record["confidence"])},
            {
                "code": {"text": "Below this confidence a person must decide"},
                "valueQuantity": share(record["min_confidence"]),
            },
        ],
    }


def report(notice: Notice, about: Json, *, result: str | None, study: str | None) -> Json:
    """The report: preliminary until a clinician has looked; cancelled where nothing could be screened (R4 4.3)."""
    record = notice.record
    screened = record["outcome"] == Outcome.SCREENED
    told: Json = {
        "resourceType": "DiagnosticReport",
        "identifier": [named(NOTICE, notice.id)],
        "status": "preliminary" if screened else "cancelled",
        "category": [RADIOLOGY],
        "code": IMAGING_STUDY,
        "subject": about,
        "issued": notice.issued,
        "conclusion": record["diagnosis"] if screened else f"Not screened: {record['explanation']}",
    }
    if result:
        told["result"] = [{"reference": result}]
    if study:
        told["imagingStudy"] = [{"reference": study}]
    if notice.anchor is not None:
        told["extension"] = [_anchored(notice.anchor)]
    return told


def task(notice: Notice, about: Json, focus: str) -> Json:
    """What a clinician completes: until then the notice counts as not acknowledged."""
    escalated = notice.stage is Stage.ESCALATED
    return {
        "resourceType": "Task",
        "identifier": [named(NOTICE, task_value(notice.id, notice.stage))],
        "status": "requested",
        "intent": "order",
        "priority": "stat" if escalated else notice.urgency.value,
        "code": ACKNOWLEDGEMENT,
        "description": "Nobody has acknowledged this result in time."
        if escalated
        else "A screening result to look at.",
        "focus": {"reference": focus},
        "for": about,
        "authoredOn": notice.issued,
    }


def _anchored(anchor: Anchor) -> Json:
    """Where the result stands on the ledger."""
    return {
        "url": ANCHOR,
        "extension": [
            {"url": "ledger", "valueString": anchor.kind},
            {"url": "chain", "valueString": str(anchor.chain_id)},
            {"url": "contract", "valueString": anchor.contract},
            {"url": "root", "valueString": anchor.root.hex()},
            {"url": "transaction", "valueString": anchor.transaction},
            {"url": "block", "valueString": str(anchor.block)},
        ],
    }
