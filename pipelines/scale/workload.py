"""A job on a cluster, as numbers: what each shard asks of a worker, of the store and of the driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import TYPE_CHECKING

from pipelines.cohort.plan import LARGEST_SHARD, SMALLEST_SHARD, Shards, cut_shards

if TYPE_CHECKING:
    from pipelines.scale.costs import CostModel, Overheads
    from sievert.settings import ClusterProfile

MB = 1e6
IN_HAND = 2
"""Shards that a worker has in hand, as `pipelines.flows.dataset.QUEUED` says."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A job and the cluster that it is to run on.

    Attributes:
        shards: How the job is cut.
        costs: What was measured.
        cluster: Where it runs.
    """

    shards: Shards
    costs: CostModel
    cluster: ClusterProfile

    def on(self, nodes: int) -> Workload:
        """The same job on another number of nodes."""
        return replace(self, cluster=self.cluster.model_copy(update={"nodes": nodes}))

    def cut(self, size: int) -> Workload:
        """The same job in shards of another size."""
        return replace(self, shards=cut_shards(self.shards.planned, size=size))

    @property
    def overheads(self) -> Overheads:
        """What comes on top of the images' stages."""
        return self.costs.overheads

    @property
    def workers(self) -> int:
        """Workers that get a shard at all."""
        return min(self.cluster.nodes * self.cluster.cpus, self.shards.count)

    @property
    def image_s(self) -> float:
        """Seconds of a worker for an image, waiting for its bytes apart."""
        return self.costs.image_s(speed=self.cluster.speed, gpu_speedup=self.cluster.gpu_speedup)

    @property
    def stream_s(self) -> float:
        """Seconds that an image's bytes take into a worker while all workers of its node read."""
        limit = self.cluster.node_mb_s
        return self.costs.read_bytes / (limit * MB / self.cluster.cpus) if limit else 0.0

    @property
    def read_s(self) -> float:
        """Seconds of a worker that waits for an image's bytes, the first one's latency included."""
        return self.cluster.latency_s + self.stream_s

    @property
    def streams(self) -> float:
        """How many workers the store serves at once at that speed; infinite where nothing limits it."""
        store, node = self.cluster.store_mb_s, self.cluster.node_mb_s
        return max(1.0, store / (node / self.cluster.cpus)) if store and node else inf

    def shard_s(self, images: int) -> float:
        """Seconds of a worker for a shard, from its beginning to its commit."""
        return images * (self.image_s + self.read_s) + self.overheads.shard_s / self.cluster.speed

    def collect_s(self, images: int) -> float:
        """Seconds of the results actor for a shard."""
        return self.overheads.collect_shard_s + images * self.overheads.collect_image_s

    @property
    def spread(self) -> float:
        """Standard deviation of a shard's time, as a multiple of its mean."""
        return self.costs.spread / sqrt(min(self.shards.size, self.shards.planned))

    @property
    def failures_per_s(self) -> float:
        """How often a node is lost, by failure or preemption."""
        cluster = self.cluster
        return (cluster.preemptions_per_hour + (1 / cluster.node_mtbf_h if cluster.node_mtbf_h else 0)) / 3600

    @property
    def before_s(self) -> float:
        """Until the first worker begins: the command, the plan, Ray, its nodes, its pool."""
        own = self.overheads
        started = own.command_s + own.plan_image_s * self.shards.planned + own.session_s
        return started + self.cluster.start_s + own.pool_s

    @property
    def after_s(self) -> float:
        """From the last shard that was collected to the prompt."""
        return self.overheads.finish_image_s * self.shards.planned + self.overheads.anchor_s

    def price(self, seconds: float) -> float:
        """What the nodes cost for so long."""
        return self.node_hours(seconds) * self.cluster.price_per_hour

    def node_hours(self, seconds: float) -> float:
        """All nodes are held from the command to its end."""
        return self.cluster.nodes * seconds / 3600


SIZES = [1 << power for power in range(SMALLEST_SHARD.bit_length() - 1, LARGEST_SHARD.bit_length())]
"""Shard sizes to choose from."""
