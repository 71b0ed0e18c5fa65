"""Every preset, by both Helms, is what Kubernetes and KubeRay take."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.chart.values import Values
from tests.charts import (
    CHART,
    EVERYTHING,
    INFERENCE,
    OTHER_OPERATORS,
    PRESETS,
    helm,
    kind,
    pods,
    preset,
    render,
    render_v4,
    unfold,
)
from tests.kuberay import operator_faults, schema_faults
from tests.podsecurity import violations

CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "inference": INFERENCE,
    "everything": EVERYTHING,
    "other operators": OTHER_OPERATORS,
    **{name: preset(name) for name in PRESETS},
}
RAY = {"RayCluster", "RayJob", "RayService"}
FOREIGN = {"PodMonitor", "ExternalSecret"}
cases = pytest.mark.parametrize("name", CASES)


def test_a_preset_installs_where_kuberay_is_and_no_other_operator() -> None:
    made = {found["apiVersion"] for name in PRESETS for found in render(preset(name))}
    assert made == {
        "apps/v1",
        "batch/v1",
        "networking.k8s.io/v1",
        "policy/v1",
        "ray.io/v1",
        "rbac.authorization.k8s.io/v1",
        "v1",
    }


def test_there_is_a_preset_for_each_kind_of_site() -> None:
    assert set(PRESETS) == {"small", "hospital", "national", "inference-only"}


@cases
def test_the_model_of_the_values_takes_it(name: str) -> None:
    Values.model_validate(CASES[name])


@cases
def test_helm_finds_nothing_to_complain_of(name: str) -> None:
    done = helm("lint", "--strict", str(CHART), values=CASES[name])
    assert done.returncode == 0, done.stdout + done.stderr


@cases
def test_both_helms_render_the_same(name: str) -> None:
    values = {**CASES[name]}
    if values.get("inference", {}).get("enabled"):  # else each draws another password
        values["inference"] = {**values["inference"], "redis": {"existingSecret": "redis"}}
    three, four = (sorted(found, key=_key) for found in (render(values), render_v4(values)))
    assert three == four


@cases
def test_kubernetes_takes_each_of_its_own_kinds(name: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it comes with `pip install -e '.[dev]'`").validate
    checked = 0
    for found in render(CASES[name]):
        if found["kind"] not in RAY | FOREIGN:
            validate(found, "1.37", strict=True)
            checked += 1
    assert checked > 5


@cases
def test_kuberays_schema_takes_each_of_its_kinds_and_no_field_is_unknown(name: str) -> None:
    found = [one for one in unfold(render(CASES[name])) if one["kind"] in RAY]
    assert found
    assert {one["kind"]: schema_faults(one) for one in found if schema_faults(one)} == {}


@cases
def test_the_operator_takes_each_of_its_kinds(name: str) -> None:
    assert [
        operator_faults(one) for one in unfold(render(CASES[name])) if one["kind"] in RAY and operator_faults(one)
    ] == []


@cases
def test_every_pod_passes_pod_security_restricted(name: str) -> None:
    found = {pod.name: violations(pod.spec) for pod in pods(render(CASES[name]))}
    assert found
    assert {pod: why for pod, why in found.items() if why} == {}


@cases
def test_every_container_has_a_root_that_nothing_writes_to_and_somewhere_to_write(name: str) -> None:
    for pod in pods(render(CASES[name])):
        for container in pod.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"], pod.name
            places = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert places & {"/tmp", "/data"}, pod.name  # noqa: S108 - a volume of the pod


@cases
def test_everything_that_a_pod_mounts_or_reads_is_made_or_named_in_the_values(name: str) -> None:
    objects = render(CASES[name])
    made = {(one["kind"], one["metadata"]["name"]) for one in objects}
    text = str(CASES[name])
    for pod in pods(objects):
        for volume in pod.spec.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            secret = volume.get("secret", {}).get("secretName")
            settings = volume.get("configMap", {}).get("name")
            assert claim is None or ("PersistentVolumeClaim", claim) in made or claim in text
            assert secret is None or secret in text
            assert settings is None or ("ConfigMap", settings) in made
        assert ("ServiceAccount", pod.spec["serviceAccountName"]) in made


@cases
def test_every_mount_of_a_container_has_its_volume(name: str) -> None:
    for pod in pods(render(CASES[name])):
        there = {volume["name"] for volume in pod.spec.get("volumes", [])} | {"data"}
        wanted = {mount["name"] for container in pod.containers for mount in container["volumeMounts"]}
        assert wanted <= there, pod.name


@cases
def test_a_token_of_kubernetes_is_where_one_is_needed_and_nowhere_else(name: str) -> None:
    for pod in pods(render(CASES[name])):
        needs = pod.labels["app.kubernetes.io/component"] == "nightly-create" or any(
            container["name"] == "autoscaler" for container in pod.containers
        )
        assert pod.spec["automountServiceAccountToken"] is needs, pod.name
    assert all(one["automountServiceAccountToken"] is False for one in kind(render(CASES[name]), "ServiceAccount"))


def _key(found: dict[str, Any]) -> tuple[str, str]:
    return found["kind"], found["metadata"]["name"]
