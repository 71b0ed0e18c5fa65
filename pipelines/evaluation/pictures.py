"""Four pictures of an evaluation as SVG; the same arguments give the same bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from models.metrics.judged import BINARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from models.metrics import Judged

    Curve = tuple[str, NDArray[np.float32], NDArray[np.bool_]]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which the colour-blind tell apart; lines differ in their dashes too."""

MOST_CURVES = len(COLOURS)
"""Classes that are drawn; more would hide one another."""

_INK = "#17212b"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_GUIDE: dict[str, Any] = {"color": "#6b7885", "linewidth": 0.8, "linestyle": (0, (2, 3))}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sievert",
    "svg.fonttype": "path",  # looks the same wherever it is opened
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#52606d",
    "axes.labelcolor": _INK,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
_ALARMS = "1 \N{MINUS SIGN} specificity (share of negatives called)"
_PRECISION = "Precision (share of calls that are right)"
_SIDE_IN = 4.4
_LETTERS_THAT_FIT = 40
_BINS = 10
_MOST_NUMBERS = 12
_DARK = 0.5


def draw_pictures(judged: Judged, labels: Sequence[str], *, rival: tuple[str, Judged] | None = None) -> dict[str, str]:
    """Draw a model's four pictures.

    Args:
        judged: What it said; with positives and others.
        labels: Names of the classes, in the order of their numbers.
        rival: Another model's name and what it said of the same images; drawn into the two curves.

    Returns:
        SVG text by name: `roc`, `precision_recall`, `confusion`, `reliability`.
    """
    curves = list(_curves(judged, labels, rival))
    with rc_context(_STYLE):
        return {
            "roc": _drawn(lambda figure: draw_roc(figure.add_subplot(), curves)),
            "precision_recall": _drawn(lambda figure: draw_precision_recall(figure.add_subplot(), curves)),
            "confusion": _drawn(lambda figure: draw_confusion(figure.add_subplot(), judged, labels)),
            "reliability": _drawn(lambda figure: draw_reliability(figure, judged, labels)),
        }


def draw_roc(axes: Axes, curves: Sequence[Curve]) -> None:
    """Sensitivity against 1 - specificity, a line a curve.

    Args:
        axes: Drawn into.
        curves: Name, scores of shape [image], and whether each image is positive.
    """
    for place, (name, scores, positives) in enumerate(curves):
        alarms, hits, _ = roc_curve(positives, scores)
        axes.plot(alarms, hits, label=f"{name} AUROC {roc_auc_score(positives, scores):.3f}", **_line(place))
    axes.plot([0, 1], [0, 1], label="by chance: 0.500", **_GUIDE)
    axes.set(title="ROC curve", xlabel=_ALARMS, ylabel="Sensitivity (share of positives called)")
    _frame(axes, legend="lower right")


def draw_precision_recall(axes: Axes, curves: Sequence[Curve]) -> None:
    """Precision against recall, a line a curve; see `draw_roc`."""
    for place, (name, scores, positives) in enumerate(curves):
        precision, recall, _ = precision_recall_curve(positives, scores)
        area = average_precision_score(positives, scores)
        axes.step(recall, precision, where="post", label=f"{name} average precision {area:.3f}", **_line(place))
    if all(np.array_equal(positives, curves[0][2]) for _, _, positives in curves):
        share = float(curves[0][2].mean())
        axes.plot([0, 1], [share, share], label=f"by chance: {share:.3f}", **_GUIDE)
    axes.set(title="Precision-recall curve", xlabel="Recall (share of positives called)", ylabel=_PRECISION)
    _frame(axes, legend="lower left")


def draw_confusion(axes: Axes, judged: Judged, labels: Sequence[str]) -> None:
    """What images of each class were called at the package's threshold: counts, coloured by share of the class."""
    counts = confusion_matrix(judged.truth, judged.called, labels=range(judged.classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    numbered = len(labels) <= _MOST_NUMBERS
    display = ConfusionMatrixDisplay(shares, display_labels=labels)
    display.plot(ax=axes, cmap="Blues", include_values=numbered, im_kw={"vmin": 0, "vmax": 1}, colorbar=not numbered)
    for place, text in np.ndenumerate(display.text_ if numbered else np.empty((0, 0))):
        told = f"{counts[place]:,}\n{100 * shares[place]:.1f} %"
        text.set(text=told, color="white" if shares[place] > _DARK else _INK)
    axes.set(title="Confusion matrix at the threshold", xlabel="Called", ylabel="Truth")
    if max(map(len, labels)) * len(labels) > _LETTERS_THAT_FIT:
        axes.tick_params(axis="x", rotation=45)


def draw_reliability(figure: Figure, judged: Judged, labels: Sequence[str]) -> None:
    """How often what was said with some probability is true, and below it how often that was said."""
    said, right, name = _said(judged, labels)
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 1]})
    display = CalibrationDisplay.from_predictions(
        right, said, n_bins=_BINS, ax=upper, color=COLOURS[0], marker="o", markersize=4, ref_line=False
    )
    display.line_.set_label("model")
    upper.plot([0, 1], [0, 1], label="perfectly calibrated", **_GUIDE)
    lower.hist(said, bins=np.linspace(0, 1, _BINS + 1), color=COLOURS[0], edgecolor="white", linewidth=0.8)
    upper.set(title="Reliability", xlabel="", ylabel="Share that is true")
    lower.set(xlabel=name, ylabel="Images", xlim=(-0.02, 1.02))
    _frame(upper, legend="upper left")


def _curves(judged: Judged, labels: Sequence[str], rival: tuple[str, Judged] | None) -> Iterator[Curve]:
    """One of the positive class where there are two, else each against the rest, the positive one first."""
    present = judged.present if judged.classes > BINARY else [judged.positive]
    for number in sorted(present, key=lambda number: number != judged.positive)[:MOST_CURVES]:
        yield f"{labels[number]}:", judged.probabilities[:, number], judged.truth == number
    if rival is not None:
        name, other = rival
        yield f"{labels[judged.positive]}, {name}:", other.probabilities[:, judged.positive], judged.positives


def _said(judged: Judged, labels: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_], str]:
    if judged.classes == BINARY:
        said = judged.probabilities[:, judged.positive]
        return said, judged.positives, f"Probability of {labels[judged.positive]}"
    return judged.probabilities.max(axis=1), judged.likeliest == judged.truth, "Probability of the likeliest class"


def _drawn(draw: Callable[[Figure], None]) -> str:
    figure = Figure(figsize=(_SIDE_IN, _SIDE_IN), layout="constrained")
    draw(figure)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()


def _line(place: int) -> dict[str, Any]:
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": _DASHES[place % len(_DASHES)]}


def _frame(axes: Axes, *, legend: Literal["lower right", "lower left", "upper left"]) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="auto")
    axes.grid(color="#d3dae1", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc=legend)
