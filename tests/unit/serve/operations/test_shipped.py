from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from serve.operations import catalogue
from serve.operations.shipped import PANELS, alert_rules, dashboard
from sievert.cli.serve import app
from tests.unit.serve.operations.promql import series_of, tokens_of

ROOT = Path(__file__).parents[4]
RULES: list[dict[str, Any]] = [rule for group in yaml.safe_load(alert_rules())["groups"] for rule in group["rules"]]
RECORDED = {rule["record"]: set[str]() for rule in RULES if "record" in rule}
SERIES = {
    series: {*kind.labels, *(("le",) if series.endswith("_bucket") else ())}
    for kind in catalogue.KINDS
    for series in kind.series
}
KNOWN = {**SERIES, **RECORDED, "up": {"job"}}
SHOWN = [
    (f"{part}: {panel.title}", expression)
    for part, panels in PANELS.items()
    for panel in panels
    for expression in panel.lines.values()
]
ASKED = [*SHOWN, *((rule.get("alert") or rule["record"], rule["expr"]) for rule in RULES)]


@pytest.mark.parametrize(("name", "expression"), ASKED, ids=[name for name, _ in ASKED])
def test_an_expression_asks_for_series_and_labels_that_the_service_has(name: str, expression: str) -> None:
    asked = series_of(expression)
    assert asked, name
    for series, labels in asked.items():
        assert labels <= KNOWN[series], name


def test_a_bucket_that_a_rule_asks_for_is_one_of_the_histogram() -> None:
    bounds = {float(bound) for rule in RULES for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert bounds
    assert bounds <= set(catalogue.STAGE_S.buckets)


def test_every_metric_is_in_the_dashboard_or_woken_by() -> None:
    asked = {series for _, expression in ASKED for series in series_of(expression)}
    assert [kind.name for kind in catalogue.KINDS if not asked & set(kind.series)] == []


def test_every_alert_has_a_severity_a_sentence_and_a_place_in_the_runbook() -> None:
    alerts = [rule for rule in RULES if "alert" in rule]
    runbook = re.findall(r"^### (\w+)$", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert {rule["labels"]["severity"] for rule in alerts} == {"page", "ticket"}
    assert all(rule["annotations"]["summary"] for rule in alerts)
    assert sorted(runbook) == sorted(rule["alert"] for rule in alerts)


def test_the_dashboard_is_one_that_grafana_imports_and_nothing_in_it_overlaps() -> None:
    told = json.loads(dashboard())
    places = [panel["gridPos"] for panel in told["panels"]]
    cells = [cell for place in places for cell in covered(place)]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in told["panels"]}) == len(told["panels"])


def covered(place: dict[str, int]) -> list[tuple[int, int]]:
    columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return [(x, y) for x in columns for y in rows]


def test_the_commands_print_them_and_nothing_else() -> None:
    assert CliRunner().invoke(app, ["dashboard"]).stdout == dashboard()
    assert CliRunner().invoke(app, ["alerts"]).stdout == alert_rules()


@pytest.mark.parametrize("wrong", ["sum(rate(a[5m])", "a ? b", "sum(a])", 'a{b="c"'])
def test_what_is_no_expression_is_seen(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"PromQL|bracket"):
        tokens_of(wrong)
