"""The chart, rendered by both Helms, taken apart into what a cluster is asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cluster.nightly import Run, fill_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Object = dict[str, Any]
NIGHT = date(2027, 1, 2)
ROOT = Path(__file__).parent.parent
CHART = ROOT / "helm" / "sievert"
PRESETS = {file.stem: file for file in sorted((CHART / "presets").glob("*.yaml"))}
INFERENCE: Object = {"nightly": {"enabled": False}, "inference": {"enabled": True}}
EVERYTHING: Object = {
    "research": {"enabled": True},
    "inference": {"enabled": True},
    "ledger": {"kind": "rpc", "existingSecret": "ledger-secret", "chainId": 1, "contract": "0x" + "1" * 40},
    "keys": {"passphraseSecret": "passphrase-secret"},
    "secrets": {"driver": "driver-secret", "everywhere": "everywhere-secret"},
    "models": {"existingClaim": "models"},
}
OTHER_OPERATORS: Object = {
    "monitoring": {"podMonitor": True, "dashboard": True},
    "keys": {"passphraseSecret": "sievert-passphrase"},
    "externalSecrets": {
        "store": "vault",
        "secrets": [{"name": "sievert-passphrase", "remoteKey": "sievert/passphrase"}],
    },
}
_SERVICES = ROOT / ".services" / "node_modules" / ".bin" / "helm"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RAY = {"RayCluster", "RayJob", "RayService"}


def find_helm() -> str | None:
    """Helm 3 of `make services`, or one that is installed."""
    return str(_SERVICES) if _SERVICES.exists() else shutil.which("helm")


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    program = find_helm()
    if program is None:
        pytest.skip("helm is not there: `make services` installs it", allow_module_level=True)
    return subprocess.run(
        [program, *arguments, "--values", "-"],
        input=json.dumps(values or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def parse(text: str) -> list[Object]:
    """All objects of a text."""
    return [found for found in yaml.load_all(text, Loader=_Loader) if found]


def render(values: Mapping[str, Any] | None = None, *, name: str = "night", namespace: str = "clinic") -> list[Object]:
    """What Helm 3 would send."""
    text = _rendered(name, namespace, json.dumps(values or {}))
    return parse(text)


@cache
def _rendered(name: str, namespace: str, values: str) -> str:
    done = helm("template", name, str(CHART), "--namespace", namespace, values=json.loads(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


def render_v4(values: Mapping[str, Any], *, name: str = "night", namespace: str = "clinic") -> list[Object]:
    """What Helm 4 would send."""
    files = files_v4(values, name=name, namespace=namespace)
    return [found for file, text in files.items() if not file.endswith("NOTES.txt") for found in parse(text)]


def notes(values: Mapping[str, Any]) -> str:
    """What Helm says after an installation."""
    return files_v4(values, name="night", namespace="clinic")["sievert/templates/NOTES.txt"]


def files_v4(values: Mapping[str, Any], *, name: str, namespace: str) -> dict[str, str]:
    """Each template's text, by Helm 4."""
    sdk = pytest.importorskip("helm_python", reason="the Helm 4 SDK comes with `pip install -e '.[dev]'`")
    with sdk.Chart.load(str(CHART)) as chart:
        found: dict[str, str] = chart.render(dict(values), name=name, namespace=namespace)
    return found


def refusal(values: Mapping[str, Any], *, name: str = "night") -> str:
    """What Helm 3 says when it renders nothing."""
    done = helm("template", name, str(CHART), values=values)
    assert done.returncode != 0, done.stdout
    return done.stderr


@cache
def preset(name: str) -> Object:
    """A preset's values."""
    found: Object = yaml.safe_load(PRESETS[name].read_text("utf-8"))
    return found


def unfold(objects: list[Object]) -> Iterator[Object]:
    """Every object, the RayJob that lies in a ConfigMap too, as the nightly run will make it."""
    for found in objects:
        yield found
        if found["kind"] == "ConfigMap" and "rayjob.yaml" in found["data"]:
            run = Run(f"{_stem(objects)}-nightly-29384756", "clinic", "")
            yield fill_template(found["data"]["rayjob.yaml"], run, NIGHT)


def _stem(objects: list[Object]) -> str:
    return next(str(one["metadata"]["name"]) for one in objects if one["kind"] == "CronJob").removesuffix("-nightly")


def kind(objects: list[Object], name: str) -> list[Object]:
    """All objects of a kind."""
    return [found for found in unfold(objects) if found["kind"] == name]


def one(objects: list[Object], name: str, suffix: str = "") -> Object:
    """The one object of a kind whose name ends so."""
    (found,) = [found for found in kind(objects, name) if found["metadata"]["name"].endswith(suffix)]
    return found


def cluster_spec(found: Object) -> Object:
    """The cluster in one of KubeRay's objects."""
    spec: Object = found["spec"]
    inner: Object = spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec
    return inner


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that somebody will make from what was rendered.

    Attributes:
        name: Which.
        labels: Its labels, with those that KubeRay adds.
        spec: Its spec, with the containers that KubeRay adds.
    """

    name: str
    labels: dict[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def pods(objects: list[Object]) -> list[Pod]:
    """All pods of a release."""
    return [pod for found in unfold(objects) for pod in _pods_of(found)]


def _pods_of(found: Object) -> Iterator[Pod]:
    name, spec = found["metadata"]["name"], found.get("spec", {})
    if found["kind"] == "CronJob":
        yield _pod(name, spec["jobTemplate"]["spec"]["template"])
    elif found["kind"] in {"StatefulSet", "Deployment", "Job"}:
        yield _pod(name, spec["template"])
    elif found["kind"] in _RAY:
        cluster = cluster_spec(found)
        yield _head(name, cluster)
        yield from (_worker(name, group) for group in cluster["workerGroupSpecs"])
        if "submitterPodTemplate" in spec:
            yield _pod(f"{name} submitter", spec["submitterPodTemplate"])


def _pod(name: str, template: Object, **labels: str) -> Pod:
    return Pod(name, {**template["metadata"]["labels"], **labels}, template["spec"])


def _head(name: str, cluster: Object) -> Pod:
    """KubeRay puts the autoscaler beside the head, with the security context it is given for it."""
    pod = _pod(f"{name} head", cluster["headGroupSpec"]["template"], **{"ray.io/node-type": "head"})
    if not cluster["enableInTreeAutoscaling"]:
        return pod
    scaler = {"name": "autoscaler", **{key: cluster["autoscalerOptions"][key] for key in ("env", "volumeMounts")}}
    scaler["securityContext"] = cluster["autoscalerOptions"].get("securityContext", {})
    return Pod(pod.name, pod.labels, {**pod.spec, "containers": [*pod.spec["containers"], scaler]})


def _worker(name: str, group: Object) -> Pod:
    """KubeRay lets a worker wait for the head in an init container with the worker's own security context."""
    pod = _pod(f"{name} {group['groupName']}", group["template"], **{"ray.io/node-type": "worker"})
    ray = pod.spec["containers"][0]
    waiting = {"name": "wait-gcs-ready", **{key: ray[key] for key in ("securityContext", "env", "volumeMounts")}}
    return Pod(pod.name, pod.labels, {**pod.spec, "initContainers": [waiting]})
