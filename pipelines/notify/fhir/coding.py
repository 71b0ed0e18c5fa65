"""Codes and identifiers of what is written into a FHIR server.

Sources: terminology.hl7.org, LOINC, UCUM, DICOM PS3.16; identifiers of our own are URNs below `urn:sievert:`.
"""

from __future__ import annotations

from typing import Any

from pipelines.notify.notice import Stage

NOTICE, PSEUDONYM, MODEL = "urn:sievert:notice", "urn:sievert:pseudonym", "urn:sievert:model"
ANCHOR = "urn:sievert:ledger-anchor"
DICOM_UID = "urn:dicom:uid"
_DICOM_CODES = "http://dicom.nema.org/resources/ontology/DCM"
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_INTERPRETATIONS = {
    "positive": ("POS", "Positive"),
    "negative": ("NEG", "Negative"),
    "uncertain": ("IND", "Indeterminate"),
}
ACCESSION = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN", "display": "Accession ID"}]
}
RADIOLOGY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}]
}
IMAGING = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "imaging",
            "display": "Imaging",
        }
    ]
}
IMAGING_STUDY = {
    "coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}],
    "text": "Automated screening of an image",
}
ACKNOWLEDGEMENT = {
    "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "approve"}],
    "text": "Look at the result and acknowledge it",
}


def interpretation(decision: str) -> dict[str, Any]:
    """The code of a decision."""
    code, display = _INTERPRETATIONS[decision]
    return {"coding": [{"system": _INTERPRETATION, "code": code, "display": display}]}


def modality(code: str) -> dict[str, str]:
    """The coding of a DICOM modality."""
    return {"system": _DICOM_CODES, "code": code}


def share(value: float) -> dict[str, Any]:
    """A share of one, as UCUM writes a number without unit."""
    return {"value": value, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}


def named(system: str, value: str) -> dict[str, str]:
    """An identifier."""
    return {"system": system, "value": value}


def task_value(notice: str, stage: Stage) -> str:
    """The value by which a notice's task is found; an escalation is a task of its own."""
    return f"{notice}-{Stage.ESCALATED.value}" if stage is Stage.ESCALATED else notice
