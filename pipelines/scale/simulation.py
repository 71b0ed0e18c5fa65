"""A discrete-event simulation of the cluster: an event a shard, not an image, so that 10⁸ images take seconds.

Workers take shards as Ray Data hands them out, `in_hand` at a time; they wait for a stream of the object store, then
work; a node that fails gives back what its workers had in hand and is away until it is replaced; the driver and the
results actor take one shard after the other. The same seed gives the same run.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import simpy

from pipelines.scale.workload import IN_HAND

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from pipelines.scale.workload import Workload


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulated job came to.

    Attributes:
        makespan_s: From the command to its end.
        node_hours: Of all nodes, as long as the job.
        cost: Node-hours times the price.
        done: How often each shard was committed, shape [shard].
        repeated: Shards that were begun again because their node was lost.
        failures: Nodes lost.
        busy: Share of the workers' time, between the first beginning and the last commit, that became results.
        driver_busy: The same of the results actor.
    """

    makespan_s: float
    node_hours: float
    cost: float
    done: NDArray[np.int64]
    repeated: int
    failures: int
    busy: float
    driver_busy: float


def simulate(work: Workload, *, seed: int = 0, in_hand: int = IN_HAND) -> Run:
    """Run a job in simulated time.

    Args:
        work: The job and its cluster.
        seed: Of all chance.
        in_hand: Shards that a worker has in hand, from 1.
    """
    cluster = _Cluster(work, np.random.default_rng(seed), in_hand)
    screening_s = cluster.run()
    makespan_s = work.before_s + max(screening_s, cluster.driver_at, cluster.dispatched_at) + work.after_s
    return Run(
        makespan_s=makespan_s,
        node_hours=work.node_hours(makespan_s),
        cost=work.price(makespan_s),
        done=cluster.done,
        repeated=cluster.repeated,
        failures=cluster.failures,
        busy=float(cluster.shard_s.sum()) / (screening_s * work.workers),
        driver_busy=min(1.0, cluster.collecting_s / max(screening_s, cluster.driver_at)),
    )


def shard_seconds(work: Workload, chance: np.random.Generator) -> NDArray[np.float64]:
    """Seconds of a worker for each shard, without waiting for a stream of the store; shape [shard]."""
    lengths = np.full(work.shards.count, work.shards.size)
    lengths[-1] = work.shards.length(work.shards.count - 1)
    width = np.sqrt(np.log1p(work.spread**2))
    drawn = np.exp(width * chance.standard_normal(len(lengths)) - width**2 / 2)
    slow = np.where(chance.random(len(lengths)) < work.cluster.straggler_share, work.cluster.straggler_factor, 1.0)
    fixed_s, waiting = work.overheads.shard_s / work.cluster.speed, work.cluster.latency_s
    return np.asarray((lengths * work.image_s * drawn + lengths * waiting + fixed_s) * slow)


class _Cluster:
    """The cluster while a job runs."""

    def __init__(self, work: Workload, chance: np.random.Generator, in_hand: int) -> None:
        self._work, self._chance, self._in_hand = work, chance, in_hand
        self.shard_s = shard_seconds(work, chance)
        self._env = simpy.Environment()
        self._pending = deque(range(work.shards.count))
        self._idle: deque[simpy.Event] = deque()
        self._over = self._env.event()
        self._store = simpy.Resource(self._env, int(work.streams)) if work.streams < work.workers else None
        self.done = np.zeros(work.shards.count, np.int64)
        self._left = work.shards.count
        self.repeated = self.failures = 0
        self.driver_at = self.dispatched_at = self.collecting_s = 0.0

    def run(self) -> float:
        """Until every shard is committed; simulated seconds since the first worker began."""
        cpus, workers = self._work.cluster.cpus, self._work.workers
        nodes = -(-workers // cpus)
        on_node = [workers // nodes + (node < workers % nodes) for node in range(nodes)]
        for number in on_node:
            crew = [self._env.process(self._worker()) for _ in range(number)]
            if self._work.failures_per_s:
                self._env.process(self._fate(crew))
        self._env.run(until=self._over)
        return float(self._env.now)

    def _worker(self) -> Generator[simpy.Event, object, None]:
        hand: deque[int] = deque()
        while True:
            try:
                while not self._take(hand):
                    yield self._called()
                yield from self._screen(hand[0])
                self._commit(hand.popleft())
            except simpy.Interrupt as lost:
                self._give_back(hand)
                yield cast("simpy.Event", lost.cause)

    def _take(self, hand: deque[int]) -> bool:
        """Fill a hand from what is pending; whether there is something in it."""
        while self._pending and len(hand) < self._in_hand:
            hand.append(self._pending.popleft())
        return bool(hand)

    def _give_back(self, hand: deque[int]) -> None:
        """What a lost worker had in hand is the next that others take."""
        self.repeated += bool(hand)  # only the first of them was begun
        self._pending.extendleft(reversed(hand))
        for _ in range(len(hand)):
            self._call()
        hand.clear()

    def _called(self) -> simpy.Event:
        """What an idle worker waits for."""
        self._idle.append(self._env.event())
        return self._idle[-1]

    def _call(self) -> None:
        """Wake one idle worker; whoever was lost meanwhile no longer listens."""
        while self._idle:
            waiting = self._idle.popleft()
            if waiting.callbacks:
                waiting.succeed()
                return

    def _screen(self, shard: int) -> Generator[simpy.Event, object, None]:
        reading_s = self._work.stream_s * self._work.shards.length(shard)
        if self._store is None:
            yield self._env.timeout(reading_s + self.shard_s[shard])
            return
        with self._store.request() as turn:
            yield turn
            yield self._env.timeout(reading_s)
        yield self._env.timeout(self.shard_s[shard])

    def _commit(self, shard: int) -> None:
        now, collect_s = float(self._env.now), self._work.collect_s(self._work.shards.length(shard))
        self.done[shard] += 1
        self._left -= 1
        self.dispatched_at = max(self.dispatched_at, now) + self._work.overheads.dispatch_s
        self.driver_at = max(self.driver_at, now) + collect_s
        self.collecting_s += collect_s
        if not self._left:
            self._over.succeed()

    def _fate(self, crew: list[simpy.Process]) -> Generator[simpy.Event, object, None]:
        """A node is lost, replaced, and lost again."""
        replace_s = self._work.cluster.replace_s
        while True:
            yield self._env.timeout(self._chance.exponential(1 / self._work.failures_per_s))
            self.failures += 1
            replaced = self._env.timeout(replace_s)
            for worker in crew:
                worker.interrupt(replaced)
            yield replaced
