"""Figures over all images, from scikit-learn and torchmetrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.metrics.judged import BINARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.metrics.judged import Judged

OPERATING_POINTS = (0.90, 0.95)
"""Specificities that a sensitivity is told at, and the other way round."""

ECE_BINS = 15
"""Bins of the calibration error."""

_SCORES = ("precision", "recall", "f1")


def point_figures(judged: Judged) -> dict[str, float]:
    """Every figure by its name; one of a single class has the class's number behind a colon.

    Args:
        judged: With positives and others.

    Source: Brier, "Verification of forecasts expressed in terms of probability", 1950; Naeini et al., "Obtaining
    well calibrated probabilities using Bayesian binning", AAAI 2015 (`ece`); Grandini et al., "Metrics for multi-class
    classification", 2020 (macro means).
    """
    return {
        **_areas(judged),
        **dict(_operating_points(judged.probabilities[:, judged.positive], judged.positives)),
        **_calls(judged, judged.called),
        **{f"{name}_argmax": value for name, value in _calls(judged, judged.likeliest).items() if ":" not in name},
        "brier": _brier(judged),
        "ece": _ece(judged),
        "decided": float(judged.decided.mean()),
        "decided_accuracy": _mean((judged.called == judged.truth)[judged.decided]),
    }


def auroc(probability: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, ties counted half.

    Args:
        probability: Shape [image].
        truth: Shape [image], of both kinds.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, probability))


def _areas(judged: Judged) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    found = {}
    for number in judged.present:
        probability, truth = judged.probabilities[:, number], judged.truth == number
        found[f"auroc:{number}"] = auroc(probability, truth)
        found[f"auprc:{number}"] = float(average_precision_score(truth, probability))
    headline = [judged.positive] if judged.classes == BINARY else judged.present
    return {kind: _mean([found[f"{kind}:{number}"] for number in headline]) for kind in ("auroc", "auprc")} | found


def _operating_points(probability: NDArray[np.float32], truth: NDArray[np.bool_]) -> Iterator[tuple[str, float]]:
    from sklearn.metrics import roc_curve

    alarms, hits, _ = roc_curve(truth, probability, drop_intermediate=False)
    for point in OPERATING_POINTS:
        # A share such as 0.1 is none that binary fractions can hold.
        yield f"sensitivity_at_specificity_{100 * point:.0f}", float(hits[alarms <= 1 - point + 1e-9].max())
        yield f"specificity_at_sensitivity_{100 * point:.0f}", 1 - float(alarms[hits >= point - 1e-9].min())


def _calls(judged: Judged, called: NDArray[np.int64]) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    truth, present, positive = judged.truth, judged.present, judged.positive
    three = precision_recall_fscore_support(truth, called, labels=present, zero_division=0)[:3]
    scores = dict(zip(_SCORES, three, strict=True))
    by_class = {
        f"{name}:{number}": float(values[place])
        for name, values in scores.items()
        for place, number in enumerate(present)
    }
    (tn, fp), _ = confusion_matrix(truth == positive, called == positive, labels=[False, True])
    return {
        "accuracy": float(accuracy_score(truth, called)),
        "balanced_accuracy": float(np.mean(scores["recall"])),
        "sensitivity": by_class[f"recall:{positive}"],
        "specificity": float(tn / (tn + fp)),
        **{name: by_class[f"{name}:{positive}"] for name in _SCORES},
        **{f"{name}_macro": float(np.mean(values)) for name, values in scores.items()},
        **by_class,
    }


def _brier(judged: Judged) -> float:
    from sklearn.metrics import brier_score_loss

    columns = enumerate(judged.probabilities.T)
    shares = [brier_score_loss(judged.truth == number, probability) for number, probability in columns]
    # Of two classes each says the same, so one of them is told.
    return float(sum(shares) / (2 if judged.classes == BINARY else 1))


def _ece(judged: Judged) -> float:
    import torch
    from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

    # A column of a table makes torch copy, and say so, each time.
    probabilities = torch.from_numpy(np.ascontiguousarray(judged.probabilities))
    if judged.classes == BINARY:
        column = probabilities[:, judged.positive].contiguous()
        return float(binary_calibration_error(column, torch.from_numpy(judged.positives).long(), n_bins=ECE_BINS))
    truth = torch.from_numpy(judged.truth)
    return float(multiclass_calibration_error(probabilities, truth, num_classes=judged.classes, n_bins=ECE_BINS))


def _mean(values: NDArray[np.bool_] | list[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
