"""What a sealed record says; its schema is documented in docs/out-folder.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.gradcam import analytic_gradcam
from pipelines.results.explanation import lay_map, shrink_map, write_explanation
from sievert import __version__
from sievert.records import RECORD_VERSION, ImageFacts, Outcome, Prediction, Refusal, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.decide import DecisionRule
    from pipelines.preprocess.framing import Part


@dataclass(frozen=True, slots=True)
class Screened:
    """All that is known of a screened image.

    Attributes:
        image: As admitted.
        prediction: Of the network.
        verdict: The decision.
        explanation: As `explain` makes it, for what is flagged; None where the network has no exact Grad-CAM.
    """

    image: ImageFacts
    prediction: Prediction
    verdict: Verdict
    explanation: dict[str, Any] | None


def explain(
    prediction: Prediction, head_weights: NDArray[np.float32] | None, rule: DecisionRule, *, part: Part
) -> dict[str, Any] | None:
    """Grad-CAM for the positive class from the feature map that the forward pass handed out.

    Args:
        prediction: Its features, shape [channel, row, column].
        head_weights: Shape [class, channel]; None where the network does not end in pooling and a linear head: then
            there is no exact map, and an approximation would not be what the record promises.
        rule: Which class is positive.
        part: Which part of the image the network saw; the map is one of the whole image.
    """
    if head_weights is None:
        return None
    heat = analytic_gradcam(prediction.features, head_weights, target=rule.positive)
    return write_explanation(shrink_map(lay_map(heat, part)), target=rule.labels[rule.positive])


def describe_screened(about: dict[str, object], found: Screened, rule: DecisionRule) -> dict[str, object]:
    """The record of a screened image.

    Args:
        about: Job, index, ids, model and recipe.
        found: What was found.
        rule: Labels, and at what thresholds it was decided.
    """
    image, verdict = found.image, found.verdict
    probabilities = [round(float(value), 6) for value in found.prediction.probabilities]
    return {
        **_common(about, Outcome.SCREENED),
        "modality": image.modality,
        "body_part": image.body_part,
        "declared_by": image.declared_by,
        "rows": image.rows,
        "columns": image.columns,
        "attributes": image.attributes,
        "removed_attributes": list(image.removed),
        "quality": image.quality,
        "masked": [list(box) for box in image.masked],
        "diagnosis": verdict.diagnosis,
        "decision": verdict.decision.value,
        "flagged": verdict.flagged,
        "probability": verdict.probability,
        "confidence": verdict.confidence,
        "probabilities": dict(zip(rule.labels, probabilities, strict=True)),
        "threshold": rule.threshold,
        "min_confidence": rule.min_confidence,
        "explanation": found.explanation,
    }


def describe_refused(about: dict[str, object], refusal: Refusal) -> dict[str, object]:
    """The record of a quarantined input."""
    return {
        **_common(about, Outcome.QUARANTINED),
        "reason": refusal.reason.value,
        "explanation": refusal.explanation,
    }


def _common(about: dict[str, object], outcome: Outcome) -> dict[str, object]:
    return {"schema": RECORD_VERSION, "sievert": __version__, "outcome": outcome.value, **about}
