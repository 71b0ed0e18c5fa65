"""What a comparison says, as one JSON object: figures by row, means over seeds, differences to the last row."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import numpy as np

from models.metrics import judge
from models.metrics.points import point_figures
from models.metrics.resampling import interval, resample, two_sided_p
from models.metrics.weighted import weighted_figures
from models.predictor import Predictor
from pipelines.flows.packaging import run_set
from pipelines.flows.provenance import list_versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.metrics import Judged
    from models.package import ModelPackage
    from pipelines.flows.comparing.order import CompareOrder, Row
    from pipelines.labelled.data import LabelledData

    Figures = dict[str, NDArray[np.float64]]

FIGURES = {
    "accuracy": "accuracy_argmax",
    "balanced_accuracy": "balanced_accuracy_argmax",
    "precision": "precision_macro_argmax",
    "recall": "recall_macro_argmax",
    "f1": "f1_macro_argmax",
    "auroc": "auroc",
    "auprc": "auprc",
    "accuracy_at_threshold": "accuracy",
}
"""What a comparison tells, and what it is called in `models.metrics`; calls are by arg-max, as MedMNIST's are, but for
the last: there they are as screening makes them, at the threshold that a package took from the validation split."""

MEGABYTE = 1e6


def summarise(rows: list[Row], data: LabelledData, order: CompareOrder) -> dict[str, Any]:
    """Measure every package on the test split, and put all together.

    Args:
        rows: Of a comparison.
        data: What they were trained and are measured on.
        order: What was asked for.

    Returns:
        `data`, `labels`, `shape`, `views`, `seeds`, `trials`, `taught`, `teachers`, `versions`, `rows` (see
        `_describe_row`) and `reference`, the last row's name, to which each row's `differences` are told: mean over
        seeds of the reference's figure less the row's, with the 95 % interval and the two-sided p of a bootstrap over
        images, drawn alike for all.
    """
    judged = {row.name: [_judge(package, data) for package in row.packages] for row in rows}
    reference = rows[-1].name
    described = [_describe_row(row, judged[row.name], order) for row in rows]
    for told in described[:-1]:
        told["differences"] = _compare(judged[reference], judged[told["name"]])
    return {
        "data": {"name": data.name, "sha256": data.digest, **_count(data)},
        "labels": list(data.labels),
        "shape": list(order.base.shape),
        "views": order.base.views,
        "seeds": order.seeds,
        "trials": order.trials,
        "taught": list(order.taught),
        "teachers": list(order.teachers),
        "reference": reference,
        "rows": described,
        "versions": list_versions(),
    }


def _count(data: LabelledData) -> dict[str, int]:
    return {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}


def _judge(package: ModelPackage, data: LabelledData) -> Judged:
    probabilities = package.calibration.probabilities(run_set(Predictor(package), data.test))
    positive = package.metadata.positive_index
    return judge(probabilities, data.test.labels, package.calibration, positive=positive)


def _describe_row(row: Row, judged: list[Judged], order: CompareOrder) -> dict[str, Any]:
    """Name, network, how it was trained, size, latency, and figures: of the seeds, and of all seeds together."""
    package = row.packages[0]
    provenance = package.provenance()
    return {
        "name": row.name,
        "arch": row.arch,
        "network": provenance["network"],
        "settings": provenance["settings"],
        "tuned": order.trials if row.trials else 0,
        "parameters": provenance["parameters"],
        "onnx_mb": package.onnx_file.stat().st_size / MEGABYTE,
        "weights_mb": package.weights_file.stat().st_size / MEGABYTE,
        "latency_ms": row.latency.model_dump(),
        "figures": _describe_figures(judged),
        "ensemble": _describe_figures([_gather(judged, package)]),
    }


def _describe_figures(judged: list[Judged]) -> dict[str, dict[str, Any]]:
    points = [point_figures(one) for one in judged]
    spread = resample(judged[0].truth, _mean_figures(judged), seed=0)
    figures = {}
    for name, key in FIGURES.items():
        values = [point[key] for point in points]
        low, high = interval(spread[name]) or (None, None)
        figures[name] = {
            "mean": statistics.fmean(values),
            "sd": statistics.stdev(values) if len(values) > 1 else 0.0,
            "low": low,
            "high": high,
            "seeds": values,
        }
    return figures


def _gather(judged: list[Judged], package: ModelPackage) -> Judged:
    """All seeds together: the mean of what they say."""
    mean = np.mean([one.probabilities for one in judged], axis=0)
    return judge(mean, judged[0].truth, package.calibration, positive=judged[0].positive)


def _mean_figures(judged: list[Judged]) -> Callable[[NDArray[np.int64]], Figures]:
    def figures(counts: NDArray[np.int64]) -> Figures:
        found = [weighted_figures(one, counts) for one in judged]
        return {name: np.mean([one[key] for one in found], axis=0) for name, key in FIGURES.items()}

    return figures


def _compare(reference: list[Judged], others: list[Judged]) -> dict[str, dict[str, float | None]]:
    better, worse = _mean_figures(reference), _mean_figures(others)

    def differences(counts: NDArray[np.int64]) -> Figures:
        first, second = better(counts), worse(counts)
        return {name: first[name] - second[name] for name in FIGURES}

    spread = resample(reference[0].truth, differences, seed=0)
    once = np.ones((1, len(reference[0].truth)), np.int64)
    return {name: _describe_difference(float(differences(once)[name][0]), spread[name]) for name in FIGURES}


def _describe_difference(point: float, spread: NDArray[np.float64]) -> dict[str, float | None]:
    low, high = interval(spread) or (None, None)
    return {"difference": point, "low": low, "high": high, "p": two_sided_p(spread)}
