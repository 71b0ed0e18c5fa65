"""Profiles: clusters that jobs are submitted to, each under a name of its own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat

from sievert.branches import Branch


class SubmitProfile(Branch):
    """A cluster that `sievert submit --cluster NAME` hands jobs to; credentials are never among its settings."""

    kind: Literal["ray", "kuberay"] = Field(
        default="ray", description="`ray`: a running cluster, by its Jobs API; `kuberay`: a RayJob on Kubernetes."
    )
    address: str | None = Field(
        default=None, description="ray: where the dashboard answers, `http://127.0.0.1:8265` or an ingress by https."
    )
    context: str | None = Field(
        default=None, description="kuberay: context of the kubeconfig; left out: the current one."
    )
    namespace: str | None = Field(default=None, description="kuberay: left out: the context's own, else `default`.")
    template: str = Field(
        default="night-sievert-rayjob",
        description="kuberay: the chart's ConfigMap with the template of a RayJob, `RELEASE-sievert-rayjob`.",
    )
    patience_s: PositiveFloat = Field(
        default=600,
        description="How long a job may wait for room (nodes, quota), in seconds, until `sievert submit` gives up.",
    )
    away_s: PositiveFloat = Field(
        default=900, description="How long a cluster may not answer, in seconds, while a job is followed."
    )
