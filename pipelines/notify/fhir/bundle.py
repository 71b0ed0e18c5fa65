"""The transaction of one notice: sent again, it changes nothing at a server of FHIR R4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from pipelines.notify.fhir.coding import NOTICE
from pipelines.notify.fhir.resources import Json, device, imaging_study, observation, report, subject, task
from sievert.records import Outcome

if TYPE_CHECKING:
    from fhir.resources.R4B.bundle import Bundle

    from pipelines.notify.notice import Notice


def fhir_bundle(notice: Notice, *, patient_system: str | None = None) -> Bundle:
    """Device, ImagingStudy, Observation, DiagnosticReport and Task of one notice.

    Ours are put by their identifier, so a repeat leaves them as they are and the anchor makes a new version of the
    report; what others may own already (study, model, a task that a clinician has begun) is only made where it is not
    there. The patient is named, never written.

    Args:
        notice: What is told.
        patient_system: System of the patient ids; see `FhirSettings`.

    Raises:
        ValidationError: A value of the record has not the form that FHIR asks for (pydantic).
    """
    from fhir.resources.R4B.bundle import Bundle

    about = subject(notice, patient_system)
    urls = {name: _url(notice, name) for name in ("device", "study", "finding", "report", "task")}
    study = imaging_study(notice, about)
    finding = observation(notice, about, urls["device"])
    written = report(notice, about, result=urls["finding"] if finding else None, study=urls["study"] if study else None)
    entries = [
        _made(urls["device"], device(notice)),
        *([_made(urls["study"], study)] if study else []),
        *([_put(urls["finding"], finding)] if finding else []),
        _put(urls["report"], written),
        *([_made(urls["task"], task(notice, about, urls["report"]))] if _is_asked(notice) else []),
    ]
    return Bundle.model_validate({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _is_asked(notice: Notice) -> bool:
    """Whether a person must look: not at what was found negative."""
    return notice.record["outcome"] != Outcome.SCREENED or bool(notice.record["flagged"])


def _url(notice: Notice, name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{NOTICE}/{notice.id}/{name}')}"


def _made(url: str, resource: Json) -> dict[str, Any]:
    """Created unless one with this identifier is there (R4 3.1.0.8.1)."""
    kind = resource["resourceType"]
    return {
        "fullUrl": url,
        "resource": resource,
        "request": {"method": "POST", "url": kind, "ifNoneExist": f"identifier={_token(resource)}"},
    }


def _put(url: str, resource: Json) -> dict[str, Any]:
    """Created, or replaced, by its identifier (R4 3.1.0.7.1)."""
    kind = resource["resourceType"]
    return {
        "fullUrl": url,
        "resource": resource,
        "request": {"method": "PUT", "url": f"{kind}?identifier={_token(resource)}"},
    }


def _token(resource: Json) -> str:
    first = resource["identifier"][0]
    return quote(f"{first['system']}|{first['value']}", safe="")
