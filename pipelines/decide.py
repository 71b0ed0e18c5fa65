"""The decision: a diagnosis, or "uncertain: a person must look"."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sievert.records import Decision, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNCERTAIN = "uncertain: a person must look"


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """When to decide, and for what.

    Attributes:
        labels: Names of the classes.
        positive: Index of the class that is looked for.
        threshold: Positive from this probability on.
        min_confidence: Below it nothing is decided.
    """

    labels: tuple[str, ...]
    positive: int
    threshold: float
    min_confidence: float

    def described(self) -> dict[str, Any]:
        """As a job's header tells it."""
        return {**asdict(self), "labels": list(self.labels)}


def decide(probabilities: NDArray[np.float32], rule: DecisionRule) -> Verdict:
    """Decide on one image.

    The confidence is the probability of what would be decided, so that a probability between 0.5 and a high
    threshold (or between a low one and 0.5) is never a confident answer.

    Args:
        probabilities: Shape [class], calibrated, sums to 1.
        rule: When to decide.
    """
    probability = round(float(probabilities[rule.positive]), 6)
    is_positive = probability >= rule.threshold
    confidence = probability if is_positive else round(1 - probability, 6)
    if confidence < rule.min_confidence:
        return Verdict(Decision.UNCERTAIN, UNCERTAIN, probability, confidence)
    if is_positive:
        return Verdict(Decision.POSITIVE, rule.labels[rule.positive], probability, confidence)
    return Verdict(Decision.NEGATIVE, _most_likely_other(probabilities, rule), probability, confidence)


def _most_likely_other(probabilities: NDArray[np.float32], rule: DecisionRule) -> str:
    others = (index for index in range(len(rule.labels)) if index != rule.positive)
    return rule.labels[max(others, key=lambda index: float(probabilities[index]))]
