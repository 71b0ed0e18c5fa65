"""What docs/kubernetes.md tells an operator to type is what the chart takes and makes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cluster.chart.values import Values
from tests.charts import CHART, EVERYTHING, INFERENCE, PRESETS, ROOT, notes, one, render, unfold

PAGE = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
DERIVED = ("-serve-svc", "-head-svc")
"""What KubeRay appends to a name."""


def test_every_preset_is_described_and_every_file_is_there() -> None:
    assert set(re.findall(r"\| `([\w-]+)\.yaml` \|", PAGE)) == set(PRESETS)
    assert all((ROOT / path).exists() for path in re.findall(r"--values (helm/\S+)", PAGE))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z]\w+(?:\.[a-z]\w+)+)`", PAGE))))
def test_every_value_that_is_named_is_one(path: str) -> None:
    if path.rsplit(".", maxsplit=1)[-1] in {"yaml", "json"} or path.startswith("admit"):
        return
    node: Any = DEFAULTS
    for name in path.split("."):
        assert name in node, path
        node = node[name]


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_of_values_is_taken(block: str) -> None:
    values = {**EVERYTHING, **yaml.safe_load(block)}
    Values.model_validate(values)
    assert render(values)


def test_every_object_that_is_named_is_made() -> None:
    made = {found["metadata"]["name"] for found in unfold(render(EVERYTHING))}
    named = set(re.findall(r"\b(night-sievert-[\w-]+)", PAGE))
    assert len(named) > 3
    for name in named:
        assert any(name.removesuffix(suffix) in made for suffix in ("", *DERIVED)), name


def test_the_labels_that_are_asked_for_are_on_pods() -> None:
    template = one(render(), "RayJob")["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
    assert template["metadata"]["labels"]["app.kubernetes.io/component"] == "nightly"
    assert "app.kubernetes.io/component=nightly" in PAGE


def test_every_exit_code_that_is_named_is_an_errors() -> None:
    from sievert.errors import all_errors

    codes = {kind.exit_code for kind in all_errors()}
    told = re.findall(r"exit code (\d+)(?: or (\d+))?|anchored \((\d+)\)", PAGE)
    assert {int(code) for groups in told for code in groups if code} <= codes
    assert told


@pytest.mark.parametrize("values", [{}, EVERYTHING, {**INFERENCE, "networkPolicy": {"enabled": False}}], ids=str)
def test_notes_tell_what_was_installed_and_name_what_is_there(values: dict[str, Any]) -> None:
    told = notes(values)
    made = {found["metadata"]["name"] for found in unfold(render(values))}
    for name in re.findall(r"\b(night-sievert-[\w-]+)", told):
        assert any(name.removesuffix(suffix) in made for suffix in ("", *DERIVED)), name
    assert ("create job --from=cronjob/night-sievert-nightly" in told) is values.get("nightly", {}).get("enabled", True)
    assert "Back up the key store (night-sievert-keys)" in told


def test_notes_say_where_the_network_is_still_open_or_still_closed() -> None:
    closed = {
        **EVERYTHING,
        "networkPolicy": {"apiServer": ["10.0.0.1/32"], "egress": [{"cidr": "10.0.0.0/8", "ports": [1]}]},
    }
    assert "any host on 443" in notes({})
    assert "any host on 443" not in notes(closed)
    assert "Nobody may ask it yet" in notes(closed)
