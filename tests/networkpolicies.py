"""What a network plugin that enforces NetworkPolicies lets through."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

Policy = dict[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection: a pod, or, with an address, a host outside.

    Attributes:
        namespace: The pod's.
        labels: The pod's.
        address: The host's.
    """

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""


def allows(policies: list[Policy], source: End, target: End, port: int, *, protocol: str = "TCP") -> bool:
    """Whether a connection comes about: the source may send it, and the target may take it."""
    out = _passes(policies, source, target, ("Egress", "egress", "to"), (port, protocol))
    return out and _passes(policies, target, source, ("Ingress", "ingress", "from"), (port, protocol))


def _passes(policies: list[Policy], mine: End, other: End, way: tuple[str, str, str], port: tuple[int, str]) -> bool:
    """A pod that no policy selects is open."""
    kind, rules, ends = way
    mine_are = [one for one in policies if _selects(one, mine) and kind in one["spec"]["policyTypes"]]
    return not mine_are or any(
        _has_port(rule, *port) and (ends not in rule or any(_is(peer, other, one) for peer in rule[ends]))
        for one in mine_are
        for rule in one["spec"].get(rules) or []
    )


def _selects(policy: Policy, end: End) -> bool:
    here = policy["metadata"].get("namespace", "clinic")
    return not end.address and end.namespace == here and _matches(policy["spec"]["podSelector"], end.labels)


def _has_port(rule: dict[str, Any], port: int, protocol: str) -> bool:
    asked = rule.get("ports")
    return not asked or any(one.get("port", port) == port and one.get("protocol", "TCP") == protocol for one in asked)


def _is(peer: dict[str, Any], end: End, policy: Policy) -> bool:
    if block := peer.get("ipBlock"):
        return bool(end.address) and ipaddress.ip_address(end.address) in ipaddress.ip_network(block["cidr"])
    if end.address or not _matches(peer.get("podSelector", {}), end.labels):
        return False
    if "namespaceSelector" not in peer:
        return end.namespace == str(policy["metadata"].get("namespace", "clinic"))
    return _matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": end.namespace})


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()
