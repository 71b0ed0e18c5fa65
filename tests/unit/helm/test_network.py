"""The network is closed but for what a release needs."""

from __future__ import annotations

import pytest

from tests.charts import EVERYTHING, kind, pods, render
from tests.networkpolicies import End, allows

VALUES = {
    **EVERYTHING,
    "networkPolicy": {
        "clients": [{"namespace": "gateway"}],
        "submitters": [{"namespace": "notebooks", "podLabels": {"app": "jupyter"}}],
        "egress": [{"cidr": "10.20.0.0/16", "ports": [443]}],
        "apiServer": ["10.96.0.1/32"],
    },
}
POLICIES = kind(render(VALUES), "NetworkPolicy") if __name__ != "__main__" else []
OPERATOR = End("kuberay-system", {"app.kubernetes.io/name": "kuberay-operator"})
PROMETHEUS = End("monitoring", {"app": "prometheus"})
DNS = End("kube-system", {"k8s-app": "kube-dns"})
STRANGER = End("default", {"app": "anything"})
PACS, INTERNET, API = End(address="10.20.3.4"), End(address="93.184.216.34"), End(address="10.96.0.1")


def ray(component: str, node: str = "worker") -> End:
    return End("clinic", {**ours(component), "ray.io/node-type": node})


def ours(component: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/part-of": "sievert",
        "app.kubernetes.io/instance": "night",
        "app.kubernetes.io/component": component,
    }


COMPONENTS = ("research", "nightly", "inference")
HEADS = [ray(component, "head") for component in COMPONENTS]
WORKERS = [ray(component) for component in COMPONENTS]
SUBMIT, CREATE, REDIS = (End("clinic", ours(name)) for name in ("nightly-submit", "nightly-create", "redis"))


def opens(source: End, target: End, port: int, protocol: str = "TCP") -> bool:
    return allows(POLICIES, source, target, port, protocol=protocol)


def test_every_pod_of_a_release_is_under_the_policy_that_closes_all() -> None:
    closed = next(one for one in POLICIES if one["metadata"]["name"].endswith("-closed"))
    wanted = closed["spec"]["podSelector"]["matchLabels"]
    assert all(wanted.items() <= pod.labels.items() for pod in pods(render(VALUES)))
    assert set(closed["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in closed["spec"]


@pytest.mark.parametrize("head", HEADS)
def test_the_operator_reaches_heads_on_8265_alone(head: End) -> None:
    assert opens(OPERATOR, head, 8265)
    assert not opens(OPERATOR, head, 6379)
    assert not opens(OPERATOR, head, 10001)


def test_the_operator_asks_the_service_whether_it_answers() -> None:
    assert opens(OPERATOR, ray("inference", "head"), 8000)
    assert not opens(OPERATOR, ray("nightly", "head"), 8000)


@pytest.mark.parametrize("pod", [*HEADS, *WORKERS])
def test_prometheus_reads_metrics_and_nothing_else(pod: End) -> None:
    assert opens(PROMETHEUS, pod, 8080)
    assert not opens(PROMETHEUS, pod, 8265)


@pytest.mark.parametrize("pod", [*HEADS, *WORKERS, SUBMIT, CREATE, REDIS])
@pytest.mark.parametrize("port", [8265, 8000, 6379, 10001, 8080])
def test_a_stranger_reaches_nothing(pod: End, port: int) -> None:
    assert not opens(STRANGER, pod, port)


@pytest.mark.parametrize("pod", [*HEADS, *WORKERS, SUBMIT, CREATE, REDIS])
def test_names_are_resolved_and_the_internet_is_not_reached(pod: End) -> None:
    assert opens(pod, DNS, 53, "UDP")
    assert opens(pod, DNS, 53)
    assert not opens(pod, INTERNET, 443)
    assert not opens(pod, INTERNET, 80)


@pytest.mark.parametrize("component", COMPONENTS)
def test_pods_of_a_cluster_reach_each_other_on_any_port_and_no_other_cluster(component: str) -> None:
    for other in COMPONENTS:
        assert opens(ray(component), ray(other, "head"), 43210) is (other == component)


def test_what_the_site_names_outside_is_reached_on_its_ports_by_ray_alone() -> None:
    assert all(opens(pod, PACS, 443) for pod in [*HEADS, *WORKERS])
    assert not opens(WORKERS[0], PACS, 80)
    assert not any(opens(pod, PACS, 443) for pod in (SUBMIT, CREATE, REDIS))


def test_the_api_server_is_reached_by_who_needs_it() -> None:
    assert opens(CREATE, API, 443)
    assert opens(ray("research", "head"), API, 443)
    assert not any(opens(pod, API, 443) for pod in (SUBMIT, REDIS, ray("nightly", "head"), ray("nightly")))


def test_the_submitter_reaches_the_nights_head_and_not_the_service() -> None:
    assert opens(SUBMIT, ray("nightly", "head"), 8265)
    assert not opens(SUBMIT, ray("inference", "head"), 8265)
    assert not opens(CREATE, ray("nightly", "head"), 8265)


def test_clients_reach_the_service_and_no_dashboard() -> None:
    client = End("gateway", {"app": "nginx"})
    assert opens(client, ray("inference"), 8000)
    assert not opens(client, ray("inference", "head"), 8265)
    assert not opens(client, ray("research", "head"), 8000)


def test_whoever_may_submit_reaches_the_research_cluster_and_no_other() -> None:
    notebook, neighbour = End("notebooks", {"app": "jupyter"}), End("notebooks", {"app": "other"})
    assert opens(notebook, ray("research", "head"), 8265)
    assert not opens(neighbour, ray("research", "head"), 8265)
    assert not opens(notebook, ray("nightly", "head"), 8265)


def test_redis_is_reached_by_the_service_alone() -> None:
    assert opens(ray("inference", "head"), REDIS, 6379)
    assert not any(opens(ray(name, "head"), REDIS, 6379) for name in ("research", "nightly"))


def test_a_name_server_that_is_no_pod_is_reached_where_the_site_names_it() -> None:
    cache = End(address="169.254.20.10")
    named = kind(render({"networkPolicy": {"dnsAddresses": ["169.254.20.10/32"]}}), "NetworkPolicy")
    assert allows(named, ray("nightly"), cache, 53, protocol="UDP")
    assert not allows(named, ray("nightly"), cache, 80)
    assert not opens(ray("nightly"), cache, 53, "UDP")


def test_a_site_without_policies_can_say_so() -> None:
    assert kind(render({"networkPolicy": {"enabled": False}}), "NetworkPolicy") == []
