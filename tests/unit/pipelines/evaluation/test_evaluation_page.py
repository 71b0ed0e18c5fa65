from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from models.calibration import Calibration
from models.metrics import compare, judge, measure_judged, measure_subgroups
from pipelines.evaluation.page import FIGURES, probability_of_chance, render_evaluation

RULE = Calibration(temperature=1, threshold=0.5, min_confidence=0.8)
PICTURES = {name: f"<svg><!-- {name} --></svg>" for name in ("roc", "precision_recall", "confusion", "reliability")}
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags, texts, and what was opened and not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def _answer(classes: int, *, compared: bool = False, column: str = "sex") -> dict[str, Any]:
    truth = np.arange(60) % classes
    both = []
    for seed in (0, 1):
        raised = np.exp(np.random.default_rng(seed).normal(size=(60, classes)) + 2 * np.eye(classes)[truth])
        both.append(judge((raised / raised.sum(axis=1, keepdims=True)).astype(np.float32), truth, RULE, positive=1))
    about = {"package": "a <b>", "digest": "f" * 64, "data": "set.csv", "split": "test", "resamples": 1000}
    labels = {"labels": [f"class {number}" for number in range(classes)], "positive_label": "class 1"}
    groups = np.array(["F"] * 30 + ["M"] * 25 + ["X"] * 5)
    return {
        **about,
        **labels,
        **RULE.model_dump(),
        **measure_judged(both[0]),
        "subgroups": measure_subgroups(both[0], {column: groups}),
        "comparison": {"against": "b", "digest": "e" * 64, **compare(*both)} if compared else None,
    }


@pytest.fixture(scope="module")
def pages() -> list[str]:
    return [
        render_evaluation(_answer(2), PICTURES),
        render_evaluation(_answer(4, compared=True), PICTURES),
        render_evaluation(_answer(2, compared=True) | {"split": None, "subgroups": {}}, PICTURES),
    ]


def test_nothing_is_loaded_from_anywhere_and_the_policy_forbids_it(pages: list[str]) -> None:
    for html in pages:
        page = Page(html)
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
        assert any(attrs.get("content") == policy for tag, attrs in page.tags if tag == "meta")
        assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
        named = [str(value) for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href"}]
        assert len(named) == 4
        assert all(value.startswith("data:image/svg+xml;base64,") for value in named)
        assert "://" not in html


def test_every_element_is_closed_and_every_heading_found(pages: list[str]) -> None:
    for html in pages:
        page = Page(html)
        assert page.open == []
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= set(ids)


def test_every_figure_stands_with_its_interval() -> None:
    answer = _answer(2)
    said = Page(render_evaluation(answer, PICTURES)).texts
    for name, (title, _) in FIGURES.items():
        assert title in said
        assert f"{answer[name]:.3f}" in said
        assert f"{answer[name + '_low']:.3f} to {answer[name + '_high']:.3f}" in said


def test_figure_that_does_not_exist_is_a_dash() -> None:
    answer = _answer(2) | {"decided_accuracy": None, "decided_accuracy_low": None, "decided_accuracy_high": None}
    assert "\N{EN DASH}" in Page(render_evaluation(answer, PICTURES)).texts


def test_groups_too_small_to_measure_are_named_and_say_so() -> None:
    said = Page(render_evaluation(_answer(2), PICTURES)).texts
    assert "By sex" in said
    assert said[said.index("X") : said.index("X") + 8].count("too few: below 10 images") == 1


def test_comparison_stands_only_where_there_is_one() -> None:
    assert "Against b" in Page(render_evaluation(_answer(2, compared=True), PICTURES)).texts
    assert not [text for text in Page(render_evaluation(_answer(2), PICTURES)).texts if text.startswith("Against")]


def test_names_from_outside_cannot_become_markup() -> None:
    html = render_evaluation(_answer(2, column="<script>alert(1)</script>"), PICTURES)
    assert "<script>" not in html
    assert "a &lt;b&gt;" in html


def test_p_is_never_told_as_nothing() -> None:
    assert probability_of_chance(0.0) == "<\N{NO-BREAK SPACE}0.001"
    assert probability_of_chance(0.0449) == "0.045"
