"""Where the driver's time goes before the first shard, and how long shards take: what a plan is calibrated with."""

from __future__ import annotations

import time


class ShardTimes:
    """How long shards took, and how long the first was waited for."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._count, self._sum, self._squares, self._longest = 0, 0.0, 0.0, 0.0
        self.pool_s = 0.0
        """Seconds until the first worker began, as far as its shard tells."""

    def add(self, seconds: float) -> None:
        """Note a shard that came back just now."""
        if not self._count:
            self.pool_s = max(0.0, time.perf_counter() - self._start - seconds)
        self._count, self._sum, self._squares = self._count + 1, self._sum + seconds, self._squares + seconds**2
        self._longest = max(self._longest, seconds)

    def summary(self) -> dict[str, float]:
        """What stands in the run manifest."""
        sums = {"sum": self._sum, "squares": self._squares, "longest": self._longest}
        return {"count": self._count, **{name: round(value, 6) for name, value in sums.items()}}


class Phases:
    """Seconds by phase, one after the other."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def end(self, phase: str) -> None:
        """The phase that began with the last one's end ends now."""
        now = time.perf_counter()
        self.seconds[phase], self._last = round(now - self._last, 3), now
