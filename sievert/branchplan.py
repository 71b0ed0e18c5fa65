"""The branch of the tree of settings that `sievert plan` reads: what clusters there are, and what they cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from sievert.branches import Branch
from sievert.branchurls import from_json


class ClusterProfile(Branch):
    """A cluster as a plan sees it; figures are those of one node."""

    nodes: PositiveInt = Field(default=1, description="Nodes that the job is given.")
    cpus: PositiveInt = Field(default=2, description="Screening workers a node, one a CPU.")
    memory_gib: PositiveFloat = Field(default=8, description="Memory of a node, in GiB.")
    price_per_hour: NonNegativeFloat = Field(default=0, description="What a node costs an hour, in any currency.")
    speed: PositiveFloat = Field(default=1, description="A CPU's speed, as a multiple of that which was measured.")
    gpu_speedup: PositiveFloat = Field(
        default=1, description="How many times faster the network runs than on one measured CPU; 1: no GPU."
    )
    node_mb_s: PositiveFloat | None = Field(
        default=None, description="What a node reads from the store, in MB a second; left out: as it was measured."
    )
    store_mb_s: PositiveFloat | None = Field(
        default=None, description="What the store gives all nodes together, in MB a second; left out: no limit."
    )
    latency_s: NonNegativeFloat = Field(default=0, description="Until the first byte of an object, in seconds.")
    start_s: NonNegativeFloat = Field(default=0, description="Until a node is there, in seconds, its image pulled.")
    node_mtbf_h: PositiveFloat | None = Field(
        default=None, description="Mean time between failures of a node, in hours; left out: none fails."
    )
    preemptions_per_hour: NonNegativeFloat = Field(default=0, description="How often a node is taken away, an hour.")
    replace_s: NonNegativeFloat = Field(default=180, description="Until a lost node is replaced, in seconds.")
    straggler_share: NonNegativeFloat = Field(default=0, lt=1, description="Share of shards that take far longer.")
    straggler_factor: PositiveFloat = Field(default=3, ge=1, description="How many times longer those take.")


class PlanSettings(Branch):
    """What `sievert plan` reckons with."""

    sample: PositiveInt = Field(default=64, description="Inputs that are tried where no finished job is named.")
    profiles: Annotated[dict[str, ClusterProfile], BeforeValidator(from_json)] = Field(
        default={},
        description="Clusters by name, a table each: `[plan.profiles.ours]`; docs/scale.md has examples.",
    )


EXAMPLES = {
    "laptop": ClusterProfile(cpus=8, memory_gib=16),
    "hospital": ClusterProfile(
        nodes=4, cpus=16, memory_gib=64, price_per_hour=0.40, node_mb_s=1_000, store_mb_s=2_000, latency_s=0.002
    ),
    "cloud": ClusterProfile(
        nodes=20,
        cpus=16,
        memory_gib=64,
        price_per_hour=0.80,
        node_mb_s=1_200,
        store_mb_s=40_000,
        latency_s=0.03,
        start_s=120,
        node_mtbf_h=5_000,
        straggler_share=0.01,
    ),
    "cloud-spot": ClusterProfile(
        nodes=100,
        cpus=16,
        memory_gib=64,
        price_per_hour=0.25,
        node_mb_s=1_200,
        store_mb_s=40_000,
        latency_s=0.03,
        start_s=120,
        node_mtbf_h=5_000,
        preemptions_per_hour=0.05,
        straggler_share=0.01,
    ),
}
"""Round figures to begin with; a site writes down its own."""
