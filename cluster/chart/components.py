"""What a release runs: a cluster for research, a nightly screening, an online service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from cluster.chart.parts import Autoscaling, Claim, Cron, Input, Machine, ModelName, Name, Part, WorkerGroup

_HEAD = Machine(cpus=2, memory_gib=8)
_WORKERS = [WorkerGroup(name="cpu")]
Groups = Annotated[list[WorkerGroup], Field(min_length=1, max_length=7)]
"""Kueue takes eight sets of pods, the head's among them."""


class Research(Part):
    """A RayCluster that stays, for jobs that people submit."""

    enabled: bool = Field(default=False, description="Run it.")
    signs: bool = Field(
        default=False,
        description="Give its head the ledger, the passphrase and `secrets.driver`: jobs can anchor then, and whoever "
        "may submit one can read these.",
    )
    head: Machine = Field(default=_HEAD, description="Its head; screens nothing itself.")
    groups: Groups = Field(default=_WORKERS, description="Its workers: any of `groupDefaults`, and a `name`.")
    autoscaling: Autoscaling = Field(default=Autoscaling(enabled=True), description="Workers by need.")


class Nightly(Part):
    """A screening at a fixed hour: a CronJob that makes a RayJob, which has a cluster of its own while it runs."""

    enabled: bool = Field(default=True, description="Run it.")
    schedule: Cron = Field(default="0 1 * * *", description="When, in cron's five fields.")
    time_zone: str = Field(
        default="Etc/UTC", pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", description="In which time zone."
    )
    suspend: bool = Field(default=False, description="Pause it.")
    inputs: Annotated[list[Input], Field(min_length=1, max_length=100)] = Field(
        default=["/images"],
        description="What is screened, as for `sievert screen`. `{today}` and `{yesterday}` become dates (YYYYMMDD), "
        "as in `dicomweb+https://pacs.example.org/dicom-web?StudyDate={yesterday}`; `{run}` becomes the run's name.",
    )
    model: ModelName = Field(default="default", description="The model package.")
    policy: str = Field(default="", pattern=r"^[a-z0-9-]*$", description="A named compliance policy.")
    retries: NonNegativeInt = Field(
        default=2, le=10, description="How often a run that failed goes on, with a new cluster, where it stopped."
    )
    deadline_seconds: PositiveInt = Field(default=28800, description="After it, a run that has not ended is ended.")
    start_within_seconds: PositiveInt = Field(
        default=1800, description="How long a cluster may take to start; then the run fails and says why."
    )
    keep_seconds: NonNegativeInt = Field(
        default=3600, description="How long its cluster stays after it ended, for who looks for the cause."
    )
    history: PositiveInt = Field(default=14, le=100, description="Runs that stay listed, of each outcome.")
    head: Machine = Field(default=_HEAD, description="Its head: the driver runs there, and anchors.")
    groups: Groups = Field(default=_WORKERS, description="Its workers: any of `groupDefaults`, and a `name`.")
    autoscaling: Autoscaling = Field(default=Autoscaling(), description="Workers by need.")


class Redis(Part):
    """Where the head's state is kept, so that the service survives the head."""

    address: str = Field(
        default="",
        pattern=r"^([-a-zA-Z0-9.]+:[0-9]{1,5}|rediss?://[-a-zA-Z0-9.]+:[0-9]{1,5})?$",
        description="A Redis of yours, without cluster mode; left out: the chart runs one.",
    )
    existing_secret: Name = Field(
        default="",
        description="Secret with the password under `password`. Left out: the chart draws one and keeps it, which only "
        "`helm install` can: with GitOps name one.",
    )
    image: str = Field(
        default="docker.io/library/redis:7.2.7-alpine", min_length=1, pattern=r"^\S+$", description="The chart's Redis."
    )
    memory_mib: PositiveInt = Field(default=512, description="Its memory, in MiB.")
    storage: Claim = Field(
        default=Claim(size="4Gi", access_mode="ReadWriteOnce"), description="Its volume: every write is on it at once."
    )


class Inference(Part):
    """An online service (RayService) whose head may die."""

    enabled: bool = Field(default=False, description="Run it.")
    models: Annotated[list[ModelName], Field(min_length=1, max_length=20)] = Field(
        default=["default"], description="Model packages, each at `/v2/models/NAME`; the first is asked by default."
    )
    shelf: Annotated[list[ModelName], Field(max_length=500)] = Field(
        default=[], description="Further ones that are seldom asked: they share replicas, which open one when asked."
    )
    start_within_seconds: PositiveInt = Field(default=900, description="How long a new version may take to be ready.")
    head: Machine = Field(default=_HEAD, description="Its head: it closes rolling jobs and anchors.")
    groups: Groups = Field(default=_WORKERS, description="Its workers, where the networks run.")
    autoscaling: Autoscaling = Field(default=Autoscaling(enabled=True), description="Workers by need.")
    redis: Redis = Field(default=Redis(), description="Where the head's state is kept.")
