"""The tree of the chart's values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from cluster.chart.components import Inference, Nightly, Research
from cluster.chart.parts import GroupDefaults, Name, Part
from cluster.chart.settingsschema import check_settings, settings_schema
from cluster.chart.stores import ExternalSecrets, Image, Images, Keys, Ledger, ReadOnlyClaim, Results, Secrets
from cluster.chart.surroundings import (
    Disruption,
    Kueue,
    Monitoring,
    NetworkPolicy,
    PodSecurity,
    ServiceAccounts,
)

SiteSettings = Annotated[dict[str, Any], AfterValidator(check_settings), WithJsonSchema(settings_schema())]
"""A part of the tree of settings: no path that the chart mounts, no secret."""


class Auth(Part):
    """Ray's token authentication, which is always on."""

    existing_secret: Name = Field(
        default="", description="Secret with the token under `auth_token`; left out: KubeRay draws one a cluster."
    )


class Values(Part):
    """What may be set."""

    fullname_override: str = Field(
        default="",
        pattern=r"^([a-z]([-a-z0-9]{0,24}[a-z0-9])?)?$",
        description="What objects are named after, at most 26 characters; left out: the release, and `-sievert` behind "
        "it where the name does not say so.",
    )
    ray_version: str = Field(
        default="2.60.0", pattern=r"^2\.(5[2-9]|[6-9][0-9])\.[0-9]+$", description="The image's Ray, 2.52 or newer."
    )
    image: Image = Field(default=Image(), description="The image.")
    auth: Auth = Field(default=Auth(), description="Ray's token.")
    group_defaults: GroupDefaults = Field(
        default=GroupDefaults(), description="What a group of workers has where it does not say otherwise."
    )
    research: Research = Field(default=Research(), description="A cluster for research.")
    nightly: Nightly = Field(default=Nightly(), description="A nightly screening.")
    inference: Inference = Field(default=Inference(), description="An online service.")
    images: Images = Field(default=Images(), description="Images to screen, at `/images`.")
    models: ReadOnlyClaim = Field(default=ReadOnlyClaim(), description="Model packages of yours, at `/models`.")
    results: Results = Field(default=Results(), description="Where results go: `/results`, or a bucket.")
    keys: Keys = Field(default=Keys(), description="The key store, at `/keys`.")
    ledger: Ledger = Field(default=Ledger(), description="The ledger.")
    secrets: Secrets = Field(default=Secrets(), description="Secrets as environment variables.")
    external_secrets: ExternalSecrets = Field(default=ExternalSecrets(), description="Secrets from a vault.")
    settings: SiteSettings = Field(
        default={}, description="Further settings, as in `sievert.toml`: docs/reference/settings.md."
    )
    kueue: Kueue = Field(default=Kueue(), description="Queues.")
    network_policy: NetworkPolicy = Field(default=NetworkPolicy(), description="The network.")
    monitoring: Monitoring = Field(default=Monitoring(), description="Metrics.")
    disruption: Disruption = Field(default=Disruption(), description="Drained nodes.")
    service_accounts: ServiceAccounts = Field(default=ServiceAccounts(), description="Accounts.")
    pod_security: PodSecurity = Field(default=PodSecurity(), description="Whom pods run as.")
