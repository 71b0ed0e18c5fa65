"""What a compliance policy demands of a DICOM header beyond what every screening needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_has_tag, tag_for_keyword

from pipelines.admit.dicom.header import says, text_of
from pipelines.admit.dicom.measures import SPACINGS
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset

    from sievert.settings import AdmitSettings

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}  # PS3.5 6.2, VR AS
_AGE_DIGITS = 3


def check_demands(dataset: Dataset, policy: AdmitSettings) -> Refusal | None:
    """The first demand that a header does not meet.

    What a header leaves out is only refused where the policy requires the attribute: vendors leave out much.
    """
    return next((refusal for demand in _DEMANDS for refusal in demand(dataset, policy)), None)


def _terms(dataset: Dataset, policy: AdmitSettings) -> Iterator[Refusal]:
    for keyword, allowed, reason in (
        ("Modality", policy.modalities, Reason.COMPLIANCE_MODALITY),
        ("BodyPartExamined", policy.body_parts, Reason.COMPLIANCE_BODY_PART),
        ("ViewPosition", policy.views, Reason.COMPLIANCE_VIEW),
        ("PhotometricInterpretation", policy.photometric, Reason.COMPLIANCE_PHOTOMETRIC),
    ):
        said = text_of(dataset, keyword).upper()
        if allowed and said and said not in allowed:
            yield Refusal(reason, f"{keyword} must be one of {', '.join(allowed)}.")


def _required(dataset: Dataset, policy: AdmitSettings) -> Iterator[Refusal]:
    missing = [name for name in policy.required_attributes if not _has(dataset, name)]
    if missing:
        yield Refusal(Reason.COMPLIANCE_MISSING_ATTRIBUTE, f"Missing: {', '.join(missing)}.")


def _has(dataset: Dataset, keyword: str) -> bool:
    tag = tag_for_keyword(keyword)
    return tag is not None and dictionary_has_tag(tag) and tag in dataset and not dataset[tag].is_empty


def _spacing(dataset: Dataset, policy: AdmitSettings) -> Iterator[Refusal]:
    said = next((dataset.get(name) for name in SPACINGS if dataset.get(name)), None)
    if policy.spacing_mm is None or said is None:
        return
    low, high = policy.spacing_mm
    if not all(low <= float(side) <= high for side in said):
        yield Refusal(Reason.COMPLIANCE_SPACING, f"Pixels must be {low} to {high} mm apart.")


def _age(dataset: Dataset, policy: AdmitSettings) -> Iterator[Refusal]:
    """The age itself is the patient's, and is not told."""
    said = text_of(dataset, "PatientAge").upper()
    if policy.age_years is None or not said:
        return
    low, high = policy.age_years
    known = said[:_AGE_DIGITS].isdigit() and said[_AGE_DIGITS:] in _YEARS
    if not known or not low <= int(said[:_AGE_DIGITS]) * _YEARS[said[_AGE_DIGITS:]] < high + 1:
        yield Refusal(Reason.COMPLIANCE_AGE, f"PatientAge must be {low:g} to {high:g} years.")


def _identity(dataset: Dataset, policy: AdmitSettings) -> Iterator[Refusal]:
    removed = says(dataset, "PatientIdentityRemoved", "YES")
    if policy.deidentified != "any" and removed is not (policy.deidentified == "yes"):
        asked = "YES" if policy.deidentified == "yes" else "absent or NO"
        yield Refusal(Reason.COMPLIANCE_IDENTITY, f"PatientIdentityRemoved must be {asked}.")


_DEMANDS: tuple[Callable[[Dataset, AdmitSettings], Iterator[Refusal]], ...] = (
    _terms,
    _required,
    _spacing,
    _age,
    _identity,
)
