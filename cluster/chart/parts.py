"""Kinds of values that several parts of the chart have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """A frozen table of values; names are written as Kubernetes writes them, unknown ones are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


Name = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$")]
"""An object's name (RFC 1123), or nothing."""
GroupName = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$")]
"""A worker group's name, at most 20 characters: pods are named after it."""
Cron = Annotated[str, Field(pattern=r"^(@(yearly|monthly|weekly|daily|hourly)|[-0-9*/,A-Z]+( [-0-9*/,A-Z]+){4})$")]
"""A schedule of five fields."""
Cidr = Annotated[str, Field(pattern=r"^[0-9a-fA-F:.]+/[0-9]{1,3}$")]
"""A range of addresses."""
Port = Annotated[int, Field(ge=1, le=65535)]
"""A port."""
Input = Annotated[str, Field(pattern=r"^[^'\x00-\x1f]+$", max_length=1000)]
"""An input as `sievert screen` takes it; it stands between single quotes on a command line."""
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$")]
"""A model package's name: one that ships, or a folder in the claim of models."""
ClaimAccess = Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]


class Toleration(Part):
    """A taint that pods may be placed in spite of."""

    key: str = Field(default="", description="The taint's key; left out: all keys.")
    operator: Literal["Exists", "Equal"] = Field(default="Exists", description="How value is compared.")
    value: str = Field(default="", description="The taint's value, with `Equal`.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="", description="The taint's effect; left out: all."
    )


class Machine(Part):
    """What a pod of Ray asks for; requests are limits, so that no neighbour can take it."""

    cpus: PositiveInt = Field(default=2, description="CPU cores.")
    memory_gib: PositiveInt = Field(default=8, description="Memory, in GiB; the object store is part of it.")
    object_store_gib: PositiveInt = Field(
        default=1, description="Ray's object store in shared memory, in GiB: only counts of shards travel through it."
    )
    scratch_gib: PositiveInt = Field(
        default=20, description="Ray's logs and what its object store spills, in GiB; a pod that needs more is evicted."
    )
    node_selector: dict[str, str] = Field(default={}, description="Labels of the nodes it may run on.")
    tolerations: list[Toleration] = Field(default=[], description="Taints of nodes it may run on nevertheless.")
    priority_class: Name = Field(default="", description="Its priority class.")


class GroupDefaults(Machine):
    """What a group of workers has where it does not say otherwise."""

    replicas: NonNegativeInt = Field(default=1, description="Workers at first; with autoscaling, at least `min`.")
    min_replicas: NonNegativeInt = Field(default=0, description="With autoscaling: workers at least.")
    max_replicas: PositiveInt = Field(default=4, description="With autoscaling: workers at most.")
    gpus: NonNegativeInt = Field(default=0, description="GPUs, or MIG slices, a worker.")
    gpu_resource: str = Field(
        default="nvidia.com/gpu",
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$",
        description="What the cluster calls a GPU: `nvidia.com/mig-1g.10gb` for a slice, `nvidia.com/gpu.shared` for "
        "a part of its time.",
    )


class WorkerGroup(GroupDefaults):
    """Workers that are alike."""

    name: GroupName = Field(description="The group's name.")


class Autoscaling(Part):
    """Workers that come and go with the work (Ray's autoscaler, version 2)."""

    enabled: bool = Field(default=False, description="Add and remove workers.")
    idle_seconds: PositiveInt = Field(default=300, description="How long a worker is idle before it goes.")


class Claim(Part):
    """A volume that outlives pods."""

    existing_claim: Name = Field(
        default="", description="A claim of yours; left out: the chart makes one and keeps it."
    )
    size: str = Field(
        default="100Gi", pattern=r"^[1-9][0-9]*(Mi|Gi|Ti|Pi)$", description="How large the chart's own claim is."
    )
    storage_class: Name = Field(default="", description="Its storage class; left out: the cluster's default.")
    access_mode: ClaimAccess = Field(
        default="ReadWriteMany", description="How it is shared; several nodes need `ReadWriteMany`."
    )
