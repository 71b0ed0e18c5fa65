"""What is known of an input before it is read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Declared:
    """A file and what a manifest says of it.

    Attributes:
        source: Absolute path; an identifier.
        patient: As the manifest writes it; an identifier.
        modality: DICOM modality code in capitals.
        body_part: DICOM body part in capitals.
    """

    source: str = field(repr=False)
    patient: str | None = field(default=None, repr=False)
    modality: str | None = None
    body_part: str | None = None
