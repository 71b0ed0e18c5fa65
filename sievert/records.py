"""The nouns that travel between rooms: planned inputs, refusals, predictions, decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECORD_VERSION = "sievert.record/1"
"""Schema of the sealed record; documented in docs/out-folder.md."""


class Decision(StrEnum):
    """What is said of an image."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    UNCERTAIN = "uncertain"


class Outcome(StrEnum):
    """Where a planned input ended: the two add up to what was planned."""

    SCREENED = "screened"
    QUARANTINED = "quarantined"


class Reason(StrEnum):
    """Why an input was quarantined: `family.case`; `explanation` says it in words.

    Families: `format` ("Incorrect dataset format"), `compliance` ("Dataset is not compliant"), `scope`
    (the model package does not declare it), `features` (the network's feature map is invalid).
    """

    FORMAT_UNREADABLE = "format.unreadable"
    FORMAT_EMPTY = "format.empty"
    FORMAT_UNKNOWN = "format.unknown"
    FORMAT_TRUNCATED = "format.truncated"
    FORMAT_CORRUPT = "format.corrupt"
    FORMAT_NO_PIXELS = "format.no-pixels"
    FORMAT_UNSUPPORTED = "format.unsupported"
    FORMAT_TOO_LARGE = "format.too-large"
    FORMAT_DECODER_CRASHED = "format.decoder-crashed"
    COMPLIANCE_COLOUR = "compliance.colour"
    COMPLIANCE_SPATIAL_RANK = "compliance.spatial-rank"
    COMPLIANCE_MATRIX_SIZE = "compliance.matrix-size"
    COMPLIANCE_BIT_DEPTH = "compliance.bit-depth"
    COMPLIANCE_BLANK = "compliance.blank"
    COMPLIANCE_BURNED_IN = "compliance.burned-in-annotation"
    COMPLIANCE_FOR_PROCESSING = "compliance.for-processing"
    COMPLIANCE_GEOMETRY = "compliance.geometry"
    COMPLIANCE_UNEVEN_SLICES = "compliance.uneven-slices"
    COMPLIANCE_TILTED = "compliance.tilted-gantry"
    SCOPE_MODALITY = "scope.modality"
    SCOPE_BODY_PART = "scope.body-part"
    SCOPE_VIEW = "scope.view"
    SCOPE_UNDECLARED = "scope.undeclared"
    FEATURES_NOT_FINITE = "features.not-finite"
    FEATURES_CONSTANT = "features.constant"

    @property
    def family(self) -> str:
        """The part before the dot."""
        return self.value.split(".", 1)[0]

    @property
    def explanation(self) -> str:
        """One sentence for the sender, without anything from the file."""
        return _EXPLANATIONS[self]


FAMILIES = {
    "format": "Incorrect dataset format",
    "compliance": "Dataset is not compliant",
    "scope": "Outside what the model package declares",
    "features": "The network's feature map is invalid",
}
"""What each family of reasons is called in reports."""

_EXPLANATIONS = {
    Reason.FORMAT_UNREADABLE: "The file could not be read: it is gone, not permitted, or the disk failed.",
    Reason.FORMAT_EMPTY: "The file has no content.",
    Reason.FORMAT_UNKNOWN: "The content is none of DICOM, PNG, JPEG, TIFF or NIfTI.",
    Reason.FORMAT_TRUNCATED: "The file ends before its image does.",
    Reason.FORMAT_CORRUPT: "The content cannot be decoded as the format that it claims to be.",
    Reason.FORMAT_NO_PIXELS: "The object carries no image to screen (report, plan, segmentation, index …).",
    Reason.FORMAT_UNSUPPORTED: "The transfer syntax or pixel layout has no decoder here.",
    Reason.FORMAT_TOO_LARGE: "The image declares more pixels than the policy allows.",
    Reason.FORMAT_DECODER_CRASHED: "The decoder died on this file, or did not end in time; it was tried in isolation.",
    Reason.COMPLIANCE_COLOUR: "The image is in colour; the policy admits grey images only.",
    Reason.COMPLIANCE_SPATIAL_RANK: "The image is a volume or has several frames; the model reads single pictures.",
    Reason.COMPLIANCE_MATRIX_SIZE: "The image has fewer rows or columns than the policy's minimum.",
    Reason.COMPLIANCE_BIT_DEPTH: "The image stores fewer bits a pixel than the policy's minimum.",
    Reason.COMPLIANCE_BLANK: "All pixels have one value.",
    Reason.COMPLIANCE_BURNED_IN: "The header says that text is burned into the pixels.",
    Reason.COMPLIANCE_FOR_PROCESSING: "The header says that the pixels are raw, for processing, not for presentation.",
    Reason.COMPLIANCE_GEOMETRY: "The slices of the series do not make one volume.",
    Reason.COMPLIANCE_UNEVEN_SLICES: "The slices lie unevenly; the policy demands one distance.",
    Reason.COMPLIANCE_TILTED: "The slices are tilted against their stack; the policy demands a right angle.",
    Reason.SCOPE_MODALITY: "The modality is not one that the model package declares.",
    Reason.SCOPE_BODY_PART: "The body part is not one that the model package declares.",
    Reason.SCOPE_VIEW: "The view position is not one that the model package declares.",
    Reason.SCOPE_UNDECLARED: "Neither header nor manifest says which modality and body part this is.",
    Reason.FEATURES_NOT_FINITE: "The network's feature map holds values that are not finite.",
    Reason.FEATURES_CONSTANT: "The network's feature map is constant: it saw nothing.",
}


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """One input of a frozen plan.

    Attributes:
        index: Its leaf in the job's tree, from 0.
        source: Where it is read from; an identifier: it stays inside admission and sealed envelopes.
        patient: The patient that a manifest names, else None.
        modality: The DICOM modality code that a manifest declares, else None.
        body_part: The body part that a manifest declares, else None.
    """

    index: int
    source: str = field(repr=False)
    patient: str | None = field(default=None, repr=False)
    modality: str | None = None
    body_part: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What may be known of an admitted image besides its pixels.

    Attributes:
        rows: Of the image as it came.
        columns: Of the image as it came.
        modality: DICOM code.
        body_part: DICOM term.
        declared_by: `header`, `manifest` or `assumed`.
        attributes: Technical attributes that de-identification kept, as text by keyword.
        removed: Keywords of the attributes that de-identification took away, sorted.
    """

    rows: int
    columns: int
    modality: str
    body_part: str
    declared_by: str
    attributes: dict[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A de-identified image that may be screened.

    Attributes:
        pixels: Shape [row, column], uint8 or uint16, brighter is denser (MONOCHROME2).
        facts: What may be known of it besides.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] = field(repr=False)
    facts: ImageFacts


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an input may not be screened.

    Attributes:
        reason: The code.
        detail: The attribute and the kind of value, never the value of an identifier; may be empty.
    """

    reason: Reason
    detail: str = ""

    @property
    def explanation(self) -> str:
        """The reason's sentence and, behind it, the detail."""
        return f"{self.reason.explanation} {self.detail}".strip()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says of one image.

    Attributes:
        probabilities: Shape [class], calibrated, sums to 1.
        features: Shape [channel, row, column], the last feature map.
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one image.

    Attributes:
        decision: Negative, positive or uncertain.
        diagnosis: The label, or the sentence that asks for a person.
        probability: Of the positive class, 0 to 1.
        confidence: Of the more likely class, 0 to 1.
    """

    decision: Decision
    diagnosis: str
    probability: float
    confidence: float

    @property
    def flagged(self) -> bool:
        """Whether a person must look: positive or uncertain."""
        return self.decision is not Decision.NEGATIVE


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What one committed shard holds.

    Attributes:
        planned: Inputs in the plan's shard; screened and quarantined add up to it.
        screened: Decided or flagged.
        flagged: Positive or uncertain, a part of `screened`.
        quarantined: Refused, each with a reason.
        reasons: How often each reason code was given.
        histogram: Counts of probability in 20 equal bins over 0 to 1.
        decisions: How often each decision was taken.
        stage_s: Seconds spent by stage, summed over images.
    """

    planned: int = 0
    screened: int = 0
    flagged: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    histogram: list[int] = field(default_factory=lambda: [0] * 20)
    decisions: dict[str, int] = field(default_factory=dict)
    stage_s: dict[str, float] = field(default_factory=dict)

    def __add__(self, other: ShardCounts) -> ShardCounts:
        return ShardCounts(
            planned=self.planned + other.planned,
            screened=self.screened + other.screened,
            flagged=self.flagged + other.flagged,
            quarantined=self.quarantined + other.quarantined,
            reasons=_summed(self.reasons, other.reasons),
            histogram=[a + b for a, b in zip(self.histogram, other.histogram, strict=True)],
            decisions=_summed(self.decisions, other.decisions),
            stage_s=_summed(self.stage_s, other.stage_s),
        )


def _summed(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in sorted({*left, *right})}
