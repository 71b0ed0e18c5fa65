"""The figures of `points` on every resample at once; tests hold the two against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.metrics.curves import Curves, trace
from models.metrics.judged import BINARY
from models.metrics.points import ECE_BINS, OPERATING_POINTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.metrics.judged import Judged

    Figures = dict[str, NDArray[np.float64]]


def weighted_figures(judged: Judged, counts: NDArray[np.int64]) -> Figures:
    """Every figure of `models.metrics.points.point_figures`, shape [resample].

    Args:
        judged: With positives and others.
        counts: Shape [resample, image], how often each image was drawn; each class as often as the set has it.
    """
    wide = counts.astype(np.float64)  # for BLAS
    right = judged.called == judged.truth
    return {
        **_ranked(judged, counts),
        **weighted_calls(judged, judged.called, wide),
        **{f"{k}_argmax": v for k, v in weighted_calls(judged, judged.likeliest, wide).items() if ":" not in k},
        "brier": wide @ _squared_errors(judged) / len(judged),
        "ece": _ece(judged, wide),
        "decided": wide @ judged.decided / len(judged),
        "decided_accuracy": _share(wide @ (judged.decided & right), wide @ judged.decided, none=np.nan),
    }


def weighted_auroc(judged: Judged, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The headline AUROC: of the positive class, or of more than two the mean of each against the rest."""
    curves = _curves(judged, counts, [judged.positive] if judged.classes == BINARY else judged.present)
    return np.asarray(np.mean([curve.auroc() for curve in curves.values()], axis=0))


def weighted_calls(judged: Judged, called: NDArray[np.int64], counts: NDArray[np.float64]) -> Figures:
    """What follows from the confusion matrix, shape [resample].

    Args:
        judged: Its truth and which class is positive.
        called: Shape [image], class numbers.
        counts: Shape [resample, image].
    """
    present, positive = judged.present, judged.positive
    is_true, is_called = judged.truth[:, None] == present, called[:, None] == present
    hits, said, there = (counts @ kind for kind in (is_true & is_called, is_called, is_true))
    scores = {"precision": _share(hits, said), "recall": hits / there, "f1": 2 * hits / (said + there)}
    column, others = present.index(positive), judged.truth != positive
    by_class = {f"{name}:{number}": score[:, i] for name, score in scores.items() for i, number in enumerate(present)}
    return {
        "accuracy": hits.sum(axis=1) / counts.sum(axis=1),
        "balanced_accuracy": scores["recall"].mean(axis=1),
        "sensitivity": scores["recall"][:, column],
        "specificity": counts @ (others & (called != positive)) / (counts @ others),
        **{name: score[:, column] for name, score in scores.items()},
        **{f"{name}_macro": score.mean(axis=1) for name, score in scores.items()},
        **by_class,
    }


def _ranked(judged: Judged, counts: NDArray[np.int64]) -> Figures:
    curves = _curves(judged, counts, judged.present)
    found = {"auroc": {k: c.auroc() for k, c in curves.items()}, "auprc": {k: c.auprc() for k, c in curves.items()}}
    headline = [judged.positive] if judged.classes == BINARY else judged.present
    of_positive = curves[judged.positive]
    return {
        **{kind: np.mean([values[number] for number in headline], axis=0) for kind, values in found.items()},
        **{f"{kind}:{number}": value for kind, values in found.items() for number, value in values.items()},
        **{f"sensitivity_at_specificity_{100 * p:.0f}": of_positive.sensitivity_at(p) for p in OPERATING_POINTS},
        **{f"specificity_at_sensitivity_{100 * p:.0f}": of_positive.specificity_at(p) for p in OPERATING_POINTS},
    }


def _curves(judged: Judged, counts: NDArray[np.int64], numbers: list[int]) -> dict[int, Curves]:
    return {number: trace(judged.probabilities[:, number], judged.truth == number, counts) for number in numbers}


def _squared_errors(judged: Judged) -> NDArray[np.float64]:
    errors = judged.probabilities.astype(np.float64) - np.eye(judged.classes)[judged.truth]
    return np.asarray((errors**2).sum(axis=1) / (2 if judged.classes == BINARY else 1))


def _ece(judged: Judged, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean gap between confidence and accuracy over bins, weighed by how many images fall into each."""
    if judged.classes == BINARY:
        confidence, right = judged.probabilities[:, judged.positive], judged.positives
    else:
        confidence, right = judged.probabilities.max(axis=1), judged.likeliest == judged.truth
    bins = np.searchsorted(np.linspace(0, 1, ECE_BINS + 1, dtype=np.float32), confidence, side="right") - 1
    places = np.eye(ECE_BINS + 1)[bins]  # the last holds exactly 1
    gaps = counts @ (places * (confidence.astype(np.float64) - right)[:, None])
    return np.asarray(np.abs(gaps).sum(axis=1) / counts.sum(axis=1))


def _share(part: NDArray[np.float64], whole: NDArray[np.float64], *, none: float = 0.0) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, none), where=whole > 0))
