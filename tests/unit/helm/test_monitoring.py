"""What is measured is found, and the dashboard asks for what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import ray

from tests.charts import CHART, kind, one, pods, render

BOARD: dict[str, Any] = json.loads((CHART / "dashboards" / "sievert.json").read_text("utf-8"))
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
VALUES = {"monitoring": {"podMonitor": True, "labels": {"release": "prometheus"}, "dashboard": True}}


def test_metrics_are_found_by_the_port_that_pods_have() -> None:
    objects = render(VALUES)
    monitor = one(objects, "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (end,) = monitor["spec"]["podMetricsEndpoints"]
    rays = [pod for pod in pods(objects) if "ray.io/node-type" in pod.labels]
    for pod in rays:
        ports = {port["name"]: port["containerPort"] for port in pod.spec["containers"][0]["ports"]}
        assert ports[end["port"]] == 8080
        assert monitor["spec"]["selector"]["matchLabels"].items() <= pod.labels.items()
    assert len(rays) == 2


def test_neither_is_made_unless_it_is_asked_for() -> None:
    objects = render()
    assert kind(objects, "PodMonitor") == []
    assert not [found for found in kind(objects, "ConfigMap") if found["metadata"]["name"].endswith("-dashboard")]


def test_the_dashboard_is_where_grafanas_sidecar_looks() -> None:
    found = one(render(VALUES), "ConfigMap", "-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["sievert.json"]) == BOARD


def test_every_metric_of_the_dashboard_is_one_that_ray_has() -> None:
    rays_own = Path(ray.__file__).parent / "dashboard" / "modules" / "metrics" / "dashboards"
    known = "".join(file.read_text("utf-8") for file in rays_own.glob("*.py"))
    asked = {name for query in QUERIES for name in re.findall(r"\b(ray_\w+)\{", query)}
    assert len(asked) > 8
    assert [name for name in asked if name not in known] == []


def test_every_label_of_the_dashboard_is_put_on_by_the_monitor_or_by_ray() -> None:
    put_on = {re.sub(r"\W", "_", label) for label in one(render(VALUES), "PodMonitor")["spec"]["podTargetLabels"]}
    used = {label for query in QUERIES for label in re.findall(r"\b((?:app|ray)_(?:kubernetes_)?io_\w+)", query)}
    assert used
    assert used <= put_on


def test_panels_have_numbers_and_places_of_their_own() -> None:
    numbers = [panel["id"] for panel in BOARD["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(set(numbers)) == len(numbers) == len(set(places))
