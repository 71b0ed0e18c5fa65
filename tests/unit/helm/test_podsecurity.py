"""The checker of Pod Security refuses what the standard refuses."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.podsecurity import violations

GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {"name": "main", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


def test_a_pod_as_the_standard_wants_it_passes() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("hostNetwork",), True),
        (("hostPID",), True),
        (("hostIPC",), True),
        (("volumes",), [{"name": "host", "hostPath": {"path": "/"}}]),
        (("volumes",), [{"name": "share", "nfs": {"server": "x", "path": "/"}}]),
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "runAsUser"), 0),
        (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
        (("securityContext", "seccompProfile"), {}),
        (("securityContext", "sysctls"), [{"name": "kernel.msgmax", "value": "1"}]),
        (("securityContext", "seLinuxOptions"), {"type": "spc_t"}),
        (("securityContext", "windowsOptions"), {"hostProcess": True}),
        (("containers", 0, "securityContext", "runAsUser"), 0),
        (("containers", 0, "securityContext", "runAsNonRoot"), False),
        (("containers", 0, "securityContext", "privileged"), True),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("containers", 0, "securityContext", "capabilities"), {}),
        (("containers", 0, "securityContext", "capabilities"), {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        (("containers", 0, "securityContext", "procMount"), "Unmasked"),
        (("containers", 0, "securityContext", "appArmorProfile"), {"type": "Unconfined"}),
        (("containers", 0, "securityContext"), {}),
        (("containers", 0, "ports"), [{"containerPort": 80, "hostPort": 80}]),
        (("containers", 0, "livenessProbe"), {"httpGet": {"host": "10.0.0.1", "port": 80}}),
        (("initContainers",), [{"name": "first"}]),
    ],
)
def test_each_thing_that_the_standard_refuses_is_found(path: tuple[str | int, ...], value: object) -> None:
    pod: Any = deepcopy(GOOD)
    inner = pod
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert violations(pod)
