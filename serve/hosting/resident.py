"""A network that is held in memory: what screens with it, what looks for drift, and what lets go of its old jobs."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.flows.online.screener import OnlineScreener
from serve.api.backend import LocalBackend
from serve.operations.process import observed_replica
from sievert.errors import SievertError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.flows.online.batching import InHand
    from pipelines.flows.online.screener import Answer
    from pipelines.flows.online.terms import OnlineTask
    from serve.api.backend import ServedModel
    from serve.operations.drift import DriftWatch
    from serve.operations.process import Operations, WatchTask
    from serve.operations.tracing import Carrier
    from sievert.settings import ServeSettings

_ROLL_S, _LOOK_S = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class ReplicaTask:
    """What a replica is told of one model: plain values and paths, no secret.

    Attributes:
        model: As clients see it.
        online: What is done with a study.
        settings: How the service answers.
        watch: How the process is watched.
    """

    model: ServedModel
    online: OnlineTask
    settings: ServeSettings
    watch: WatchTask


class Resident:
    """One model in the memory of a process.

    Args:
        task: What is done with a study.
        operations: The process's.
        drift: Remembers the model's last studies; it may outlive this.
        in_process: Counts the images that this process has in hand; left out: of this model alone.

    Attributes:
        backend: Asks it; what is asked is counted.

    Raises:
        ModelError: The package is not the one that the service was started with.
        KeyStoreError: The key store cannot be used.
    """

    def __init__(
        self, task: ReplicaTask, operations: Operations, drift: DriftWatch, *, in_process: InHand | None = None
    ) -> None:
        self._task, self._operations, self._drift = task, operations, drift
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rolling: asyncio.Task[None] | None = None
        self._over, self._claims = threading.Lock(), 0
        name, metrics = task.model.name, operations.metrics
        self._screener: OnlineScreener | None = None
        self._screener = OnlineScreener(
            task.online,
            batches=lambda size: metrics.batch(name, size),
            restarts=lambda: metrics.restarted(name),
            in_process=in_process,
        )
        at_once, clocks = task.settings.max_ongoing, operations.tracing.clock
        inner = LocalBackend(task.model, self._screener, at_once=at_once, clocks=clocks)
        self.backend = observed_replica(inner, operations, drift)

    def begin(self) -> None:
        """Let go of old jobs from now on; called in the loop that asks."""
        assert self._screener is not None  # noqa: S101 - it is made before anybody has this
        self._loop = asyncio.get_running_loop()
        self._rolling = self._loop.create_task(_roll(self._screener, self._drift))

    async def screen(
        self, content: bytes, *, patient: str | None, shown: tuple[str, str] | None, trace: Carrier | None = None
    ) -> Answer:
        """Screen a study, for the front."""
        with self._operations.tracing.under(trace):
            return await self.backend.screen(self._task.model.name, content, patient=patient, shown=shown)

    async def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask the network, for the front."""
        return await self.backend.infer(self._task.model.name, images)

    def claim(self) -> None:
        """Somebody is about to ask; in the loop. Until they `release` it, it does not stop."""
        self._claims += 1

    def release(self) -> None:
        """They have asked, or will not."""
        self._claims -= 1

    def stop(self) -> None:
        """Answer what is in hand, and let go of the network; in another thread than who claims. Safe to repeat."""
        if not self._over.acquire(blocking=False) or self._screener is None:
            return
        end = time.monotonic() + self._task.settings.drain_s
        while (self._claims or self._screener.in_hand.count) and time.monotonic() < end:
            time.sleep(_LOOK_S)
        if self._loop is not None and self._rolling is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._rolling.cancel)
        self._screener.stop()
        self._rolling = None

    def __del__(self) -> None:
        """Ray Serve calls it where another model needs the room."""
        self.stop()


async def _roll(screener: OnlineScreener, drift: DriftWatch) -> None:
    """Let go of old jobs, also where no further request comes; and look for drift."""
    while True:
        await asyncio.sleep(_ROLL_S)
        await asyncio.to_thread(screener.roll_if_due)
        with suppress(SievertError):  # a damaged baseline must not keep jobs open: its metrics are absent
            await asyncio.to_thread(drift.compare)
