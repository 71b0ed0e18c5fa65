"""How good a model's probabilities and decisions are, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sievert.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.calibration import Calibration

RESAMPLES = 1000
"""Bootstrap resamples behind an interval."""


def measure(
    probability: NDArray[np.float32], truth: NDArray[np.bool_], calibration: Calibration, *, seed: int = 0
) -> dict[str, Any]:
    """Measure a model on a labelled set, at its package's own threshold and confidence.

    Args:
        probability: Shape [image], of the positive class, calibrated.
        truth: Shape [image], whether the image is positive.
        calibration: Where the package decides.
        seed: Of the bootstrap.

    Returns:
        Counts `images`, `positives`, `confusion` (`tn`, `fp`, `fn`, `tp`); shares from 0 to 1 `auroc`, `accuracy`
        (with `_low` and `_high`, bounds of the 95 % interval), `balanced_accuracy`, `sensitivity`, `specificity`,
        `f1`, `brier`, `ece`; `decided`, the share with enough confidence for a decision, and `decided_accuracy`, how
        often those are right (None where there are none); and the calibration's `threshold` and `min_confidence`.

    Raises:
        LabelError: The set holds only positives or only negatives.

    Source: Brier, "Verification of forecasts expressed in terms of probability", 1950; Naeini et al., "Obtaining
    well calibrated probabilities using Bayesian binning", AAAI 2015 (`ece`, 15 bins).
    """
    if truth.all() or not truth.any():
        raise LabelError("a set to measure with needs images of both kinds")
    probability = np.ascontiguousarray(probability)  # a column of a table makes torch copy, and say so, each time
    called = probability >= calibration.threshold
    right = called == truth
    confidence = np.where(called, probability, 1 - probability)
    return {
        "images": len(truth),
        "positives": int(truth.sum()),
        **_with_interval("auroc", lambda chosen: auroc(probability[chosen], truth[chosen]), truth, seed),
        **_with_interval("accuracy", lambda chosen: float(right[chosen].mean()), truth, seed),
        **_rates(right, truth),
        **_reliability(probability, truth),
        **_coverage(confidence, right, calibration),
    }


def auroc(probability: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, ties counted half.

    Args:
        probability: Shape [image].
        truth: Shape [image], of both kinds.
    """
    import torch
    from torchmetrics.functional.classification import binary_auroc

    return float(binary_auroc(torch.from_numpy(probability), torch.from_numpy(truth).long(), validate_args=False))


def _with_interval(
    name: str, figure: Callable[[NDArray[np.intp]], float], truth: NDArray[np.bool_], seed: int
) -> dict[str, float]:
    """The figure over all images, and its 95 % percentile interval over bootstrap resamples.

    Positives and negatives are resampled apart, so that each resample has both.
    """
    draw = np.random.default_rng(seed)
    kinds = [np.flatnonzero(truth), np.flatnonzero(~truth)]
    resamples = (np.concatenate([draw.choice(kind, len(kind)) for kind in kinds]) for _ in range(RESAMPLES))
    low, high = np.percentile([figure(chosen) for chosen in resamples], [2.5, 97.5])
    return {name: figure(np.arange(len(truth))), f"{name}_low": float(low), f"{name}_high": float(high)}


def _rates(right: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, Any]:
    tp, tn = int((right & truth).sum()), int((right & ~truth).sum())
    fn, fp = int(truth.sum()) - tp, int((~truth).sum()) - tn
    sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
    return {
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "confusion": {"tn": tn, "fp": fp, "fn": fn, "tp": tp},
    }


def _reliability(probability: NDArray[np.float32], truth: NDArray[np.bool_]) -> dict[str, float]:
    import torch
    from torchmetrics.functional.classification import binary_calibration_error

    error = binary_calibration_error(torch.from_numpy(probability), torch.from_numpy(truth).long(), n_bins=15)
    return {"brier": float(np.mean((probability - truth) ** 2)), "ece": float(error)}


def _coverage(
    confidence: NDArray[np.float32], right: NDArray[np.bool_], calibration: Calibration
) -> dict[str, float | None]:
    decided = confidence >= calibration.min_confidence
    return {
        "decided": float(decided.mean()),
        "decided_accuracy": float(right[decided].mean()) if decided.any() else None,
        "threshold": calibration.threshold,
        "min_confidence": calibration.min_confidence,
    }
