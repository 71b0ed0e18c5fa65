"""What the header alone decides: objects that are set aside, and the compliance policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.admit.dicom.parsing import frames_of
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from sievert.settings import AdmitSettings


def check_header(dataset: Dataset, policy: AdmitSettings) -> Refusal | None:
    """The part of the compliance policy that the header alone decides."""
    photometric = str(dataset.get("PhotometricInterpretation") or "")
    area = int(dataset.Rows) * int(dataset.Columns) * frames_of(dataset)
    rules: tuple[tuple[bool, Reason], ...] = (
        (area > policy.max_pixels, Reason.FORMAT_TOO_LARGE),
        (frames_of(dataset) > 1, Reason.COMPLIANCE_SPATIAL_RANK),
        (not photometric, Reason.FORMAT_CORRUPT),
        (int(dataset.get("BitsStored", 0) or dataset.BitsAllocated) < policy.min_bits, Reason.COMPLIANCE_BIT_DEPTH),
        (says(dataset, "BurnedInAnnotation", "YES") and not policy.allow_burned_in, Reason.COMPLIANCE_BURNED_IN),
        (
            says(dataset, "PresentationIntentType", "FOR PROCESSING") and not policy.allow_for_processing,
            Reason.COMPLIANCE_FOR_PROCESSING,
        ),
    )
    return next((Refusal(reason) for broken, reason in rules if broken), None)


def text_of(dataset: Dataset, keyword: str) -> str:
    """An attribute as text without blanks around it; empty where it is absent or has no value."""
    return str(dataset.get(keyword) or "").strip()


def says(dataset: Dataset, keyword: str, value: str) -> bool:
    """Whether an attribute has a value, blanks and case aside."""
    return str(dataset.get(keyword, "")).strip().upper() == value
