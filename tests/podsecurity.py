"""The profile "restricted" of the Pod Security Standards, as a check.

kubernetes.io/docs/concepts/security/pod-security-standards, as of Kubernetes 1.34.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_PROFILES = {"RuntimeDefault", "Localhost"}


def violations(spec: dict[str, Any]) -> list[str]:
    """Why a namespace that enforces `restricted` would refuse a pod; empty where it would not."""
    whole: dict[str, Any] = spec.get("securityContext", {})
    found = [*_of_pod(spec, whole)]
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind, []):
            found += [f"{container['name']}: {text}" for text in _of_container(container, whole)]
    return found


def _of_pod(spec: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    for volume in spec.get("volumes", []):
        if strange := set(volume) - VOLUMES - {"name"}:
            yield f"volume {volume['name']}: {', '.join(sorted(strange))}"
    for one in whole.get("sysctls", []):
        if one["name"] not in SYSCTLS:
            yield f"sysctl {one['name']}"
    yield from _of_either(whole)


def _of_container(container: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    own: dict[str, Any] = container.get("securityContext", {})
    yield from _of_either(own)
    yield from _of_privileges(own)
    if (own.get("runAsNonRoot", whole.get("runAsNonRoot"))) is not True:
        yield "runAsNonRoot"
    if own.get("seccompProfile", whole.get("seccompProfile", {})).get("type") not in _PROFILES:
        yield "seccompProfile"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = container.get(name, {})
        if any(probe.get(way, {}).get("host") for way in ("httpGet", "tcpSocket")):
            yield f"{name} to another host"


def _of_privileges(own: dict[str, Any]) -> Iterator[str]:
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities are not dropped"
    if added := set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"capabilities {', '.join(sorted(added))}"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"


def _of_either(context: dict[str, Any]) -> Iterator[str]:
    """What may stand at the pod and at a container alike."""
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"
    if context.get("seccompProfile", {}).get("type") == "Unconfined":
        yield "seccompProfile Unconfined"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield "appArmorProfile"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    linux = context.get("seLinuxOptions", {})
    if linux.get("type", "") not in SELINUX_TYPES or linux.get("user") or linux.get("role"):
        yield "seLinuxOptions"
