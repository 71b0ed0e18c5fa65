"""The branches of the systems of record that results are written into."""

from __future__ import annotations

from pydantic import Field, PositiveFloat

from sievert.branches import Branch, Place
from sievert.branchurls import SafeUrl, UrgencyName  # noqa: TC001 - pydantic reads them


class FhirSettings(Branch):
    """A FHIR R4 server. It is told who the patient is: it is where that is known."""

    url: SafeUrl | None = Field(
        default=None, description="The server's base: https, or http on this machine. Left out: no FHIR server."
    )
    token_file: Place | None = Field(
        default=None,
        description="File with a bearer token, mode 0600. Left out: it is in `SIEVERT_FHIR_TOKEN`, or there is none.",
    )
    patient_system: str | None = Field(
        default=None,
        description="System (URI) of the patient ids that headers and manifests hold. Left out: their issuer, as text.",
    )
    timeout_s: PositiveFloat = Field(default=20, description="How long the server may be silent, in seconds.")
    min_urgency: UrgencyName = Field(default="routine", description="What is less urgent is not written there.")


class DicomSettings(Branch):
    """Where results are stored as DICOM objects, in the patient's own study."""

    url: SafeUrl | None = Field(
        default=None,
        description="Base of a DICOMweb server (STOW-RS): https, or http on this machine. Left out: none.",
    )
    token_file: Place | None = Field(
        default=None,
        description="File with a bearer token, mode 0600. Left out: it is in `SIEVERT_STOW_TOKEN`, or there is none.",
    )
    folder: Place | None = Field(
        default=None, description="Folder that the objects are written into (patient data!). Left out: none."
    )
    timeout_s: PositiveFloat = Field(default=20, description="How long the server may be silent, in seconds.")
    min_urgency: UrgencyName = Field(default="routine", description="What is less urgent is not stored there.")
