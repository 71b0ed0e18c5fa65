"""What KubeRay refuses: by the schemas of its resources, where they are there, and by the rules of its operator."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

Object = dict[str, Any]
ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("SIEVERT_SHARED", ROOT.parent / "shared"))
_PLURALS = {"RayCluster": "rayclusters", "RayJob": "rayjobs", "RayService": "rayservices"}
_LONGEST = {"RayCluster": 53, "RayJob": 47, "RayService": 47}
_MODES = {"K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"}


def schema_faults(found: Object) -> list[str]:
    """Where an object is not as KubeRay's CRD says; unknown fields are faults too."""
    jsonschema = pytest.importorskip("jsonschema", reason="`pip install -e '.[dev]'` brings it")
    validator = jsonschema.Draft202012Validator(_strict_schema(found["kind"]))
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(found)]


@cache
def _strict_schema(kind: str) -> Object:
    file = SHARED / "k8s" / f"ray.io_v1_{_PLURALS[kind]}.json"
    if not file.exists():
        pytest.skip(f"KubeRay's schema is not there: {file}")
    read = json.loads(file.read_text("utf-8"))
    found: Object = _strict(read.get("openAPIV3Schema", read))
    return found


def _strict(node: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _strict(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict) and not node.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
        if node["properties"].get("metadata") == {"type": "object"}:
            made["properties"]["metadata"] = {"type": "object"}
    if node.get("x-kubernetes-int-or-string"):
        made = {"type": ["integer", "string"]}
    return made


def operator_faults(found: Object) -> list[str]:
    """What the operator refuses though the schema does not."""
    name, spec = found["metadata"]["name"], found["spec"]
    faults = []
    if len(name) > _LONGEST[found["kind"]]:
        faults.append(f"the name has {len(name)} characters")
    if not re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name):
        faults.append("the name is no DNS-1035 label")
    if found["kind"] == "RayJob":
        faults += _faults_of_job(spec)
    return faults + _faults_of_cluster(spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec)


def _faults_of_job(spec: Object) -> list[str]:
    faults = []
    if spec["submissionMode"] not in _MODES:
        faults.append(f"submissionMode {spec['submissionMode']}")
    rules = spec.get("deletionStrategy", {}).get("deletionRules")
    if rules and (spec.get("shutdownAfterJobFinishes") or spec.get("ttlSecondsAfterFinished")):
        faults.append("deletionRules beside shutdownAfterJobFinishes")
    if spec.get("ttlSecondsAfterFinished") and not spec.get("shutdownAfterJobFinishes"):
        faults.append("ttlSecondsAfterFinished without shutdownAfterJobFinishes")
    return faults


def _faults_of_cluster(spec: Object) -> list[str]:
    faults = [f"{name} is behind a gate" for name in ("tlsOptions", "networkPolicy") if name in spec]
    if spec.get("authOptions", {}).get("mode") == "token":
        version = tuple(int(part) for part in spec.get("rayVersion", "0.0.0").split("."))
        if version < (2, 52, 0):
            faults.append("token authentication needs Ray 2.52")
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    if spec.get("enableInTreeAutoscaling"):
        policies = [group["template"]["spec"].get("restartPolicy", "Never") for group in groups]
        faults += ["restartPolicy with the autoscaler" for policy in policies if policy != "Never"]
    for group in groups:
        if group.get("resources") and {"num-cpus", "num-gpus", "memory", "resources"} & set(group["rayStartParams"]):
            faults.append("resources in two places")
    return faults
