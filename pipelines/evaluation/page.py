"""One HTML page about an evaluation: the table of figures, four pictures, subgroups, the comparison."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.evaluation.rendering import render
from pipelines.results.report import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEMPLATE = "page.html.jinja"

FIGURES = {
    "auroc": ("AUROC", "how often a positive image outranks a negative one"),
    "auprc": ("Average precision", "area under the precision-recall curve"),
    "accuracy": ("Accuracy", "at the threshold of the package"),
    "accuracy_argmax": ("Accuracy by arg-max", "of the likeliest class, as benchmarks count it"),
    "balanced_accuracy": ("Balanced accuracy", "mean of the recalls of all classes"),
    "sensitivity": ("Sensitivity", "share of positives called; the same as recall"),
    "specificity": ("Specificity", "share of negatives not called"),
    "precision": ("Precision", "share of calls that are right"),
    "f1": ("F1", "harmonic mean of precision and recall"),
    "precision_macro": ("Precision, mean of classes", "each class counts the same"),
    "recall_macro": ("Recall, mean of classes", "each class counts the same"),
    "f1_macro": ("F1, mean of classes", "each class counts the same"),
    "sensitivity_at_specificity_90": ("Sensitivity at specificity 0.90", "read off the ROC curve"),
    "sensitivity_at_specificity_95": ("Sensitivity at specificity 0.95", "read off the ROC curve"),
    "specificity_at_sensitivity_90": ("Specificity at sensitivity 0.90", "read off the ROC curve"),
    "specificity_at_sensitivity_95": ("Specificity at sensitivity 0.95", "read off the ROC curve"),
    "brier": ("Brier score", "mean squared error of the probabilities; 0 is best"),
    "ece": ("Calibration error", "expected, over 15 bins; 0 is best"),
    "decided": ("Decided", "share with enough confidence for a decision"),
    "decided_accuracy": ("Accuracy of the decided", "how often those decisions are right"),
}
"""What is told of a model, in this order: its name and what it means."""

HEADLINE = ("auroc", "accuracy", "sensitivity", "specificity")
"""What is told of the whole set at the top, and of each subgroup."""

COMPARED = {
    "auroc": ("AUROC", "paired bootstrap"),
    "delong": ("AUROC of the positive class", "test of DeLong"),
    "accuracy": ("Accuracy", "paired bootstrap"),
    "accuracy_argmax": ("Accuracy by arg-max", "paired bootstrap"),
}
"""What two models are compared by, in this order, and how."""

PICTURES = {
    "roc": "ROC curve.",
    "precision_recall": "Precision-recall curve.",
    "confusion": "Confusion matrix at the threshold of the package.",
    "reliability": "Reliability: share that is true against what was said.",
}
"""The pictures in the order of the page, and what stands for one that cannot be seen."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Attributes:
        name: Of the figure, class or group.
        note: What it means; or, of a group, why it was not measured.
        cells: As text, and what stands below it in small.
    """

    name: str
    note: str
    cells: list[tuple[str, str]]


def render_evaluation(answer: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """One HTML file that loads nothing: no network, no script, no font. The same arguments give the same text.

    Args:
        answer: What `pipelines.flows.evaluate.evaluate` found.
        pictures: What `pipelines.evaluation.pictures.draw_pictures` drew.
    """
    labels, comparison = answer["labels"], answer["comparison"]
    return render(
        _TEMPLATE,
        answer=answer,
        tiles=_tiles(answer),
        figures=[Row(*FIGURES[name], _plain(figure(answer, name), bounds(answer, name))) for name in FIGURES],
        classes=[_class(label, found) for label, found in zip(labels, answer["per_class"], strict=True)],
        pictures=[(_uri(pictures[name]), about) for name, about in PICTURES.items()],
        subgroups={column: [_group(row) for row in rows] for column, rows in answer["subgroups"].items()},
        comparison=comparison and [_compared(name, comparison[name]) for name in COMPARED if comparison[name]],
    )


def figure(found: Mapping[str, Any], name: str) -> str:
    """A figure with three decimals, or a dash where there is none."""
    return formats.NOTHING if found[name] is None else f"{found[name]:.3f}"


def bounds(found: Mapping[str, Any], name: str) -> str:
    """Both ends of a figure's interval, or a dash where there is none."""
    low, high = found[f"{name}_low"], found[f"{name}_high"]
    return formats.NOTHING if low is None else f"{low:.3f} to {high:.3f}"


def probability_of_chance(p: float) -> str:
    """A p value, never as a certainty."""
    return "<\N{NO-BREAK SPACE}0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - what three decimals can say


def _tiles(answer: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    share = formats.share(answer["positives"], answer["images"])
    headline = [(FIGURES[name][0], figure(answer, name), bounds(answer, name)) for name in HEADLINE]
    return [("Images", formats.count(answer["images"]), f"{share} {answer['positive_label']}"), *headline]


def _class(label: str, found: Mapping[str, Any]) -> Row:
    names = ("precision", "recall", "f1", "auroc", "auprc")
    return Row(label, "", _plain(formats.count(found["images"]), *(figure(found, name) for name in names)))


def _group(row: Mapping[str, Any]) -> Row:
    counts = _plain(formats.count(row["images"]), formats.count(row["positives"]))
    if "note" in row:
        return Row(row["group"], row["note"], counts)
    return Row(row["group"], "", [*counts, *((figure(row, name), bounds(row, name)) for name in HEADLINE)])


def _compared(name: str, found: Mapping[str, Any]) -> Row:
    difference, interval = f"{found['difference']:+.3f}", f"{found['low']:+.3f} to {found['high']:+.3f}"
    both = (f"{found[which]:.3f}" for which in ("first", "second"))
    return Row(*COMPARED[name], _plain(*both, difference, interval, probability_of_chance(found["p"])))


def _plain(*texts: str) -> list[tuple[str, str]]:
    return [(text, "") for text in texts]


def _uri(svg: str) -> str:
    """As an image, so that neither its ids nor the page's style reach the other."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
