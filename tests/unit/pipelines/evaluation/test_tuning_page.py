"""The page of a search says what was found, draws every trial and loads nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from models.networks.space import Choice, Float
from models.networks.spec import NetworkSpec
from models.training.settings import TrainingSettings
from pipelines.evaluation.coordinates import draw_coordinates
from pipelines.evaluation.tuning_page import render_tuning
from pipelines.flows.tuning.records import Trial, TuningResult

if TYPE_CHECKING:
    from models.networks.space import SearchSpace

RANGES: SearchSpace = {
    "training.learning_rate": Float(1e-3, 1e-1, log=True),
    "training.loss": Choice(("cross-entropy", "focal")),
}
ABOUT = {
    "data": "<b>.npz",
    "images": 546,
    "validation_images": 78,
    "arch": "hybrid",
    "shape": [28, 28],
    "epochs": 20,
    "seed": 0,
}


def make_trial(number: int, rate: float, state: Any, *losses: float, reason: str = "") -> Trial:  # noqa: ANN401 - a literal
    values: dict[str, Any] = {
        "training.learning_rate": rate,
        "training.loss": "focal" if number % 2 else "cross-entropy",
    }
    trial = Trial(number=number, values=values, state=state, reason=reason)
    return trial.with_curve(tuple((loss, 1 - loss) for loss in losses), keep="best")


TRIALS = (
    make_trial(1, 0.3, "finished", 0.5, 0.4),
    make_trial(2, 0.01, "stopped", 0.6),
    make_trial(3, 0.02, "finished", 0.4, 0.3217),
    make_trial(4, 0.09, "failed", reason="the loss is not finite"),
)
RESULT = TuningResult(TrainingSettings(), NetworkSpec(arch="hybrid", shape=(28, 28)), 3, TRIALS)


@pytest.fixture(scope="module")
def page() -> str:
    return render_tuning(RESULT, RANGES, about=ABOUT)


def test_the_best_stands_first_and_the_failed_one_last_with_its_reason(page: str) -> None:
    table = page[page.index("trials-title") :]
    assert re.findall(r'<th scope="row">(\d)</th>', table) == ["3", "1", "2", "4"]
    assert "the loss is not finite" in table
    assert '<tr class="chosen"><th scope="row">3' in table


def test_the_headline_says_what_the_best_and_what_the_defaults_came_to(page: str) -> None:
    assert "0.3217" in page
    assert "2 finished, 1 stopped, 1 failed" in page
    assert "0.4000" in page


def test_names_are_escaped_and_nothing_is_loaded(page: str) -> None:
    assert "<b>.npz" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_the_same_search_gives_the_same_page(page: str) -> None:
    assert render_tuning(RESULT, RANGES, about=ABOUT) == page


def test_every_trial_is_a_line_and_each_state_has_its_look() -> None:
    root = ET.fromstring(draw_coordinates(TRIALS, RANGES, chosen=3))  # noqa: S314 - written just now
    styles = [path.get("style", "") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert sum("stroke: #8795a3" in style for style in styles) == 1
    assert sum("stroke: #b83a22" in style for style in styles) == 1
    assert sum("stroke-width: 2.8" in style for style in styles) == 1


@pytest.mark.parametrize("trials", [TRIALS[:1], TRIALS[3:], TRIALS[2:]])
def test_few_or_failed_trials_can_be_drawn(trials: tuple[Trial, ...]) -> None:
    assert draw_coordinates(trials, RANGES, chosen=3).startswith("<?xml")
