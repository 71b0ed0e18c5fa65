"""What is around a release: network, quotas, monitoring, accounts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cluster.chart.parts import Cidr, Name, Part, Port


class Peer(Part):
    """Pods by their namespace and labels."""

    namespace: Annotated[Name, Field(min_length=1)] = Field(description="Their namespace.")
    pod_labels: dict[str, str] = Field(default={}, description="Their labels; left out: all pods there.")


class Egress(Part):
    """A place that Ray's pods may reach."""

    cidr: Cidr = Field(description="Its addresses.")
    ports: Annotated[list[Port], Field(min_length=1)] = Field(description="Its ports (TCP).")


class NetworkPolicy(Part):
    """Who may speak with whom; all else is closed."""

    enabled: bool = Field(
        default=True, description="Close the network. It takes a network plugin that enforces policies."
    )
    operator: Peer = Field(
        default=Peer(namespace="kuberay-system", pod_labels={"app.kubernetes.io/name": "kuberay-operator"}),
        description="The KubeRay operator: it asks heads on 8265, and on 8000 whether the service answers.",
    )
    prometheus: Peer = Field(default=Peer(namespace="monitoring"), description="Who reads metrics, on 8080.")
    dns: Peer = Field(
        default=Peer(namespace="kube-system", pod_labels={"k8s-app": "kube-dns"}),
        description="The cluster's name server.",
    )
    dns_addresses: list[Cidr] = Field(
        default=[], description="Name servers that are no pods: NodeLocal DNSCache is at `169.254.20.10/32`."
    )
    clients: list[Peer] = Field(
        default=[], description="Who may ask the online service on 8000: your gateway or ingress controller."
    )
    submitters: list[Peer] = Field(
        default=[],
        description="Who may submit jobs to the research cluster on 8265 from inside the Kubernetes cluster.",
    )
    api_server: Annotated[list[Cidr], Field(min_length=1)] = Field(
        default=["0.0.0.0/0"],
        description="Where the API server is (`kubectl get endpoints kubernetes`), for the autoscaler and the nightly "
        "run, on 443 and 6443. Narrow it.",
    )
    egress: list[Egress] = Field(
        default=[], description="What heads and workers reach outside: PACS, object store, ledger, FHIR server."
    )


class Kueue(Part):
    """Quotas and queues by Kueue."""

    queue: str = Field(
        default="",
        pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$",
        description="The LocalQueue; left out: none. It takes `autoscaling` off.",
    )


class Monitoring(Part):
    """Metrics."""

    pod_monitor: bool = Field(
        default=False, description="Make a PodMonitor for Prometheus; its operator must be there."
    )
    labels: dict[str, str] = Field(default={}, description="Labels by which your Prometheus finds it.")
    dashboard: bool = Field(default=False, description="Make a ConfigMap with a dashboard for Grafana's sidecar.")
    dashboard_labels: dict[str, str] = Field(
        default={"grafana_dashboard": "1"}, description="Labels by which the sidecar finds it."
    )


class Disruption(Part):
    """What a node that is drained may take away."""

    protect_heads: bool = Field(
        default=True, description="A head is not evicted: delete it yourself where its node must go."
    )
    min_workers: int = Field(default=1, ge=0, description="Workers of the online service that stay at least.")


class ServiceAccounts(Part):
    """Accounts of the pods."""

    annotations: dict[str, str] = Field(
        default={},
        description="Annotations of the heads' and workers' accounts: workload identity for an object store.",
    )


class PodSecurity(Part):
    """Whom pods run as; everything else that Pod Security `restricted` asks for is fixed."""

    user: int = Field(default=1000, ge=1, description="User id of the image.")
    group: int = Field(default=1000, ge=1, description="Group id; volumes are given to it.")
    fs_group_change_policy: Annotated[str, Field(pattern="^(OnRootMismatch|Always)$")] = Field(
        default="OnRootMismatch", description="When a volume's files are given to the group."
    )
