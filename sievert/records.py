"""The nouns that travel between rooms: planned inputs, refusals, predictions, decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sievert.reasons import FAMILIES, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "FAMILIES",
    "RECORD_VERSION",
    "Admitted",
    "Decision",
    "ImageFacts",
    "Outcome",
    "PlannedInput",
    "Prediction",
    "Reason",
    "Refusal",
    "ShardCounts",
    "Verdict",
]

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
        masked: Rectangles of pixels that held text: top, left, bottom, right.
        quality: Scores of image quality that the policy has limits for, by name, each 0 to 1.
    """

    rows: int
    columns: int
    modality: str
    body_part: str
    declared_by: str
    attributes: dict[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    quality: dict[str, float] = field(default_factory=dict)
    masked: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A de-identified image that may be screened.

    Attributes:
        pixels: Shape [row, column], uint8 or uint16, brighter is denser (MONOCHROME2).
        facts: What may be known of it besides.
        values: Shape [row, column], float32: the values in their own units (HU), for a recipe that begins with them.
        spacing_mm: How far apart rows and columns lie; None where the image does not say.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] = field(repr=False)
    facts: ImageFacts
    values: NDArray[np.float32] | None = field(default=None, repr=False)
    spacing_mm: tuple[float, ...] | None = None

    @property
    def read(self) -> NDArray[Any]:
        """What the recipe begins with."""
        return self.pixels if self.values is None else self.values


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


def fields_of(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the records, which are dataclasses with slots
    """A record's fields as they are, by name; `dataclasses.asdict` would copy each, once a study."""
    return {name: getattr(record, name) for name in record.__slots__}
