"""The checks of KubeRay's objects find what KubeRay would refuse."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.charts import EVERYTHING, cluster_spec, one, render
from tests.kuberay import operator_faults, schema_faults


def job() -> dict[str, Any]:
    return deepcopy(one(render(EVERYTHING), "RayJob"))


@pytest.mark.parametrize(
    "path", [(), ("spec",), ("spec", "rayClusterSpec"), ("spec", "rayClusterSpec", "headGroupSpec")]
)
def test_a_misspelt_field_is_found_at_any_depth(path: tuple[str, ...]) -> None:
    found = job()
    inner = found
    for step in path:
        inner = inner[step]
    inner["misspelt"] = 1
    assert schema_faults(found)


def test_a_field_of_another_type_is_found() -> None:
    found = job()
    found["spec"]["backoffLimit"] = "two"
    assert schema_faults(found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"submissionMode": "Someday"}, "submissionMode"),
        ({"deletionStrategy": {"deletionRules": [{}]}}, "deletionRules"),
        ({"shutdownAfterJobFinishes": False}, "ttlSecondsAfterFinished"),
    ],
)
def test_a_job_that_the_operator_refuses_is_found(change: dict[str, Any], told: str) -> None:
    found = job()
    found["spec"] |= change
    assert told in str(operator_faults(found))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rayVersion": "2.51.9"}, "2.52"),
        ({"tlsOptions": {}}, "tlsOptions"),
        ({"networkPolicy": {}}, "networkPolicy"),
    ],
)
def test_a_cluster_that_the_operator_refuses_is_found(change: dict[str, Any], told: str) -> None:
    found = job()
    found["spec"]["rayClusterSpec"] |= change
    assert told in str(operator_faults(found))


def test_pods_that_restart_by_themselves_beside_the_autoscaler_are_found() -> None:
    found = deepcopy(one(render(EVERYTHING), "RayCluster"))
    cluster_spec(found)["headGroupSpec"]["template"]["spec"]["restartPolicy"] = "Always"
    assert "restartPolicy" in str(operator_faults(found))


@pytest.mark.parametrize("name", ["a" * 48, "1st", "A"])
def test_a_name_that_the_operator_refuses_is_found(name: str) -> None:
    found = job()
    found["metadata"]["name"] = name
    assert operator_faults(found)
