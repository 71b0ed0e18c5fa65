"""What turns logits into probabilities that can be believed, and where to decide on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from numpy.typing import NDArray

TARGET_ACCURACY = 0.99
"""How often what is decided on must be right on the validation split."""

CONFIDENCE_RANGE = (0.6, 0.95)
"""A confidence that is asked for lies in here, whatever the validation split says."""


class Calibration(BaseModel):
    """Fitted on the validation split, never on what a model is tested with.

    Attributes:
        temperature: Logits are divided by it; above 0.
        threshold: Of the positive class's probability, from which on an image is positive; 0 to 1.
        min_confidence: Of what would be decided; below it an image is uncertain; 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0, allow_inf_nan=False)
    threshold: float = Field(ge=0, le=1)
    min_confidence: float = Field(ge=0, le=1)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated softmax, shape [image, class], of logits of that shape."""
        return _softmax(logits, self.temperature).astype(np.float32)


def fit_calibration(logits: NDArray[np.float32], labels: NDArray[np.int64], *, positive: int) -> Calibration:
    """Choose temperature, threshold and confidence on a validation split.

    Args:
        logits: Shape [image, class].
        labels: Shape [image], class numbers.
        positive: Number of the positive class.
    """
    temperature = fit_temperature(logits, labels)
    probability = _softmax(logits, temperature)[:, positive]
    truth = labels == positive
    threshold = choose_threshold(probability, truth)
    confidence = choose_confidence(probability, truth, threshold=threshold)
    return Calibration(temperature=temperature, threshold=threshold, min_confidence=confidence)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature with the smallest negative log likelihood, 0.05 to 20.

    The likelihood is concave in 1/temperature, so the root of its derivative is bracketed and halved.

    Args:
        logits: Shape [image, class].
        labels: Shape [image], class numbers.

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    cold, hot = 0.05, 20.0
    for _ in range(60):
        middle = float(np.sqrt(cold * hot))
        cold, hot = (middle, hot) if _overconfident(logits, labels, middle) else (cold, middle)
    return float(np.sqrt(cold * hot))


def choose_threshold(probability: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Where sensitivity and specificity add up to most (Youden's J), in the middle of its plateau.

    J does not depend on how many positives the split holds, so a threshold survives another prevalence.

    Args:
        probability: Shape [image], of the positive class.
        truth: Shape [image], whether the image is positive.

    Source: Youden, "Index for rating diagnostic tests", Cancer 1950.
    """
    values = np.unique(probability)
    cuts = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [1.0]])
    youden = _called(probability[truth], cuts) - _called(probability[~truth], cuts)
    best = cuts[np.isclose(youden, youden.max())]
    return float(best[len(best) // 2])


def choose_confidence(probability: NDArray[np.float64], truth: NDArray[np.bool_], *, threshold: float) -> float:
    """The smallest confidence at which what is still decided on is right often enough.

    Confidence is the probability of what would be decided, as in `pipelines.decide`. "Often enough" is
    `TARGET_ACCURACY` of the split's decisions; the answer stays within `CONFIDENCE_RANGE`.

    Args:
        probability: Shape [image], of the positive class.
        truth: Shape [image], whether the image is positive.
        threshold: From which probability on an image is positive.
    """
    low, high = CONFIDENCE_RANGE
    called = probability >= threshold
    confidence = np.where(called, probability, 1 - probability)
    right = called == truth
    order = np.argsort(-confidence)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(accuracy >= TARGET_ACCURACY)
    smallest = confidence[order[good[-1]]] if len(good) else high
    return float(np.clip(smallest, low, high))


def _softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return cast("NDArray[np.float64]", raised / raised.sum(axis=1, keepdims=True))


def _overconfident(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> bool:
    wide = logits.astype(np.float64)
    expected = (_softmax(logits, temperature) * wide).sum(axis=1)
    return bool((expected - wide[np.arange(len(labels)), labels]).mean() > 0)


def _called(probability: NDArray[np.float64], cuts: NDArray[np.float64]) -> NDArray[np.float64]:
    below = np.searchsorted(np.sort(probability), cuts, side="left")
    return 1.0 - below / max(len(probability), 1)
