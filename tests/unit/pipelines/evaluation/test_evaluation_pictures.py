from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from models.calibration import Calibration
from models.metrics import Judged, judge
from pipelines.evaluation.pictures import (
    COLOURS,
    draw_confusion,
    draw_pictures,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
)

RULE = Calibration(temperature=1, threshold=0.5, min_confidence=0.8)
LABELS = ("normal", "pneumonia", "effusion", "mass")


def _judged(classes: int, *, seed: int = 0, images: int = 80) -> Judged:
    truth = np.arange(images) % classes
    raised = np.exp(np.random.default_rng(seed).normal(size=(images, classes)) + 2 * np.eye(classes)[truth])
    return judge((raised / raised.sum(axis=1, keepdims=True)).astype(np.float32), truth, RULE, positive=1)


@pytest.mark.parametrize("classes", [2, 4])
def test_four_pictures_are_drawn_that_load_nothing(classes: int) -> None:
    pictures = draw_pictures(_judged(classes), LABELS[:classes])
    assert list(pictures) == ["roc", "precision_recall", "confusion", "reliability"]
    for svg in pictures.values():
        named = [value for part in ET.fromstring(svg).iter() for key, value in part.attrib.items() if "href" in key]  # noqa: S314 - our own
        assert all(value.startswith(("#", "data:image/png;base64,")) for value in named)


def test_same_arguments_give_the_same_bytes_and_no_date() -> None:
    first, again = (draw_pictures(_judged(2), LABELS[:2]) for _ in range(2))
    assert first == again
    assert "<dc:date>" not in first["roc"]


def test_nothing_of_the_process_is_left_changed() -> None:
    before, figures = dict(rcParams), set()
    if "matplotlib.pyplot" in sys.modules:
        figures = set(sys.modules["matplotlib.pyplot"].get_fignums())
    draw_pictures(_judged(2), LABELS[:2])
    changed = {name for name in before if name != "backend" and rcParams[name] != before[name]}
    assert not changed
    assert set(sys.modules["matplotlib.pyplot"].get_fignums()) == figures


def test_curves_name_their_class_and_area_and_differ_in_more_than_colour() -> None:
    one, other = _judged(2), _judged(2, seed=1)
    axes = Figure().add_subplot()
    draw_roc(axes, [("a:", one.probabilities[:, 1], one.positives), ("b:", other.probabilities[:, 1], other.positives)])
    first, second, chance = axes.lines
    assert str(first.get_label()).startswith("a: AUROC 0.")
    assert (first.get_color(), second.get_color()) == COLOURS[:2]
    assert len({str(line.get_linestyle()) for line in (first, second, chance)}) > 1
    assert "specificity" in axes.get_xlabel()
    assert "Sensitivity" in axes.get_ylabel()


def test_chance_of_precision_is_the_share_of_positives() -> None:
    judged = _judged(4)
    axes = Figure().add_subplot()
    draw_precision_recall(axes, [("a:", judged.probabilities[:, 1], judged.positives)])
    assert axes.lines[-1].get_label() == "by chance: 0.250"


def test_confusion_tells_counts_and_shares_of_each_class() -> None:
    judged = _judged(2)
    axes = Figure().add_subplot()
    draw_confusion(axes, judged, LABELS[:2])
    right = int(((judged.truth == 0) & (judged.called == 0)).sum())
    assert f"{right}\n{100 * right / 40:.1f} %" in [text.get_text() for text in axes.texts]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["normal", "pneumonia"]


def test_many_classes_are_coloured_but_not_numbered() -> None:
    judged = _judged(14, images=140)
    axes = Figure().add_subplot()
    draw_confusion(axes, judged, [f"class {number}" for number in range(14)])
    assert not axes.texts


def test_reliability_compares_what_was_said_with_what_is_true() -> None:
    figure = Figure()
    draw_reliability(figure, _judged(2), LABELS[:2])
    upper, lower = figure.axes
    shares = np.asarray(upper.lines[0].get_ydata(), dtype=float)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert sum(bar.get_height() for bar in lower.patches) == 80  # type: ignore[attr-defined] # patches of a histogram are rectangles
    assert lower.get_xlabel() == "Probability of pneumonia"
