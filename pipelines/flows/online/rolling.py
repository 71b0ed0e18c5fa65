"""Closes and anchors rolling jobs at an interval; runs in one process of a service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.flows.online.repeating import Repeating
from pipelines.flows.online.troubles import ROLLING, Troubles, read_troubles
from pipelines.results.binding import bind_folder
from pipelines.results.outfolder import OutFolder, read_job
from pipelines.results.rolling.closing import close_spool, is_open
from pipelines.results.rolling.spool import find_spools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.results.keystore import KeyStore
    from pipelines.results.ledger import Ledger

LAST_S, _AGAIN_S = 15.0, 0.2


class Roller:
    """Looks for jobs whose process let go of them or died; what fails is tried again at the next pass.

    Args:
        results: Folder of the rolling jobs.
        keys: The key store.
        ledger: Opens the ledger of one job, by its folder; the signer's key stays in this process.
        done: Told of what was done to which job, and how long it took: `close` or `anchor`, job, seconds.
    """

    def __init__(
        self,
        results: Path,
        keys: KeyStore,
        ledger: Callable[[OutFolder], Ledger],
        *,
        done: Callable[[str, str, float], None] = lambda *_: None,
    ) -> None:
        self._results, self._keys, self._ledger = results, keys, ledger
        self._told_done, self._anchored = done, set[str]()
        self._troubles = Troubles(results, ROLLING)
        self._passes = Repeating(self.run_once, name="rolling")

    @property
    def problem(self) -> str:
        """What went wrong last; empty where all is well."""
        return self._troubles.last

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._passes.is_alive

    def start(self) -> None:
        """Run a pass every two seconds, on a thread of its own."""
        self._passes.start()

    def stop(self, *, wait_s: float = LAST_S) -> None:
        """End it once all that replicas held is closed and anchored; what takes longer, the next service finds."""
        self._passes.stop()
        end = time.monotonic() + wait_s
        self.run_once()
        while find_spools(self._keys.folder) and time.monotonic() < end:
            time.sleep(_AGAIN_S)
            self.run_once()

    def run_once(self) -> int:
        """One pass; returns how many jobs were anchored. Never raises: the service goes on answering."""
        with self._troubles.one_pass():
            for spool in find_spools(self._keys.folder):
                self._close(spool)
            return sum(self._anchor(out) for out in self._unanchored())

    def _close(self, spool: Path) -> None:
        with self._troubles.alone("closing a rolling job"):
            begun = time.perf_counter()
            out = close_spool(spool, self._keys)
            if out is not None:
                self._told_done("close", spool.stem, time.perf_counter() - begun)

    def _anchor(self, out: OutFolder) -> bool:
        with self._troubles.alone("anchoring a rolling job"):
            begun = time.perf_counter()
            bind_folder(out, self._ledger(out), keys=self._keys)
            self._told_done("anchor", read_job(out).job, time.perf_counter() - begun)
            return True
        return False

    def _unanchored(self) -> Iterator[OutFolder]:
        """The closed jobs that the ledger has not; one that is there is not looked at again: there may be many."""
        for folder in sorted(self._results.glob("*")):
            out = OutFolder(folder)
            if folder.name in self._anchored:
                continue
            if out.anchor.exists():
                self._anchored.add(folder.name)
            elif out.job.exists() and out.files.exists() and not is_open(out):
                yield out


@dataclass(frozen=True, slots=True)
class Jobs:
    """How rolling jobs stand.

    Attributes:
        open: That take records now.
        unanchored: Closed, and not on the ledger yet.
        problem: What went wrong last, also in telling; empty where all is well.
    """

    open: int
    unanchored: int
    problem: str


def count_jobs(results: Path, keys: Path) -> Jobs:
    """How the rolling jobs of a results folder stand, as any process can see it."""
    closed = [out for job in results.glob("*/job.json") if not is_open(out := OutFolder(job.parent))]
    return Jobs(len(find_spools(keys)), sum(not out.anchor.exists() for out in closed), read_troubles(results))
