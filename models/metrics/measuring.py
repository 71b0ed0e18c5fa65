"""All figures of one model on one labelled set, each with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from models.metrics.judged import Judged, judge
from models.metrics.points import point_figures
from models.metrics.resampling import interval, resample
from models.metrics.weighted import weighted_figures
from sievert.errors import LabelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.calibration import Calibration

OF_A_CLASS = ("precision", "recall", "f1", "auroc", "auprc")
"""What is told of each class against the rest."""


def measure(
    probabilities: NDArray[np.float32],
    truth: NDArray[np.int64],
    calibration: Calibration,
    *,
    positive: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a model on a labelled set, at its package's own threshold and confidence.

    Args:
        probabilities: Shape [image, class], calibrated.
        truth: Shape [image], class numbers.
        calibration: Where the package decides.
        positive: Number of the class that is looked for.
        seed: Of the bootstrap.

    Returns:
        As `measure_judged`, and the calibration's `threshold` and `min_confidence`.

    Raises:
        LabelError: The set holds only positives or no positive.
    """
    measured = measure_judged(judge(probabilities, truth, calibration, positive=positive), seed=seed)
    return {**measured, "threshold": calibration.threshold, "min_confidence": calibration.min_confidence}


def measure_judged(judged: Judged, *, seed: int = 0) -> dict[str, Any]:
    """Measure what a model said of a labelled set.

    Returns:
        Counts: `images`, `positives`, `confusion` (`tn`, `fp`, `fn`, `tp` of the positive class against all others),
        `confusion_matrix` ([truth][called], class numbers).

        Figures from 0 to 1, each also with `_low` and `_high`, the bounds of its 95 % interval: `auroc`, `auprc` (of
        the positive class; of more than two classes the mean of each against the rest); of the positive class
        `sensitivity`, `specificity`, `precision`, `recall`, `f1`, `sensitivity_at_specificity_90` and `_95`,
        `specificity_at_sensitivity_90` and `_95`; over all classes `accuracy`, `balanced_accuracy`,
        `precision_macro`, `recall_macro`, `f1_macro`; `brier`; `ece` over 15 bins; `decided`, the share with enough
        confidence for a decision, and `decided_accuracy`, how often those are right (None where there are none).
        What depends on calls is told at the package's threshold, and by arg-max with `_argmax` behind its name.

        `per_class`: a list in the order of class numbers with `images`, `precision`, `recall`, `f1`, `auroc`,
        `auprc` of each against the rest; None where the set has no image of it.

    Raises:
        LabelError: The set holds only positives or no positive.
    """
    if not judged.measurable:
        raise LabelError("a set to measure with needs images of both kinds")
    spread = resample(judged.truth, lambda counts: weighted_figures(judged, counts), seed=seed)
    points = point_figures(judged)
    figures: dict[str, float | None] = {}
    for name, point in points.items():
        low, high = interval(spread[name]) or (None, None)
        figures |= {name: None if math.isnan(point) else point, f"{name}_low": low, f"{name}_high": high}
    return {
        "images": len(judged),
        "positives": int(judged.positives.sum()),
        **{name: value for name, value in figures.items() if ":" not in name},
        **_counts(judged),
        "per_class": [_one_class(judged, figures, number) for number in range(judged.classes)],
    }


def _counts(judged: Judged) -> dict[str, Any]:
    matrix = np.zeros((judged.classes, judged.classes), np.int64)
    np.add.at(matrix, (judged.truth, judged.called), 1)
    tp = int(matrix[judged.positive, judged.positive])
    fn, fp = int(matrix[judged.positive].sum()) - tp, int(matrix[:, judged.positive].sum()) - tp
    confusion = {"tn": len(judged) - tp - fn - fp, "fp": fp, "fn": fn, "tp": tp}
    return {"confusion": confusion, "confusion_matrix": matrix.tolist()}


def _one_class(judged: Judged, figures: dict[str, float | None], number: int) -> dict[str, Any]:
    bounds = ("", "_low", "_high")
    found = {f"{name}{bound}": figures.get(f"{name}:{number}{bound}") for name in OF_A_CLASS for bound in bounds}
    return {"images": int((judged.truth == number).sum()), **found}
