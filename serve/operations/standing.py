"""What the front finds out when somebody asks for `/metrics`: jobs, spools, disks, HAProxy."""

from __future__ import annotations

import re
import shutil
import time
from typing import TYPE_CHECKING
from urllib.request import urlopen

from pipelines.flows.online.troubles import read_troubles
from pipelines.results.outfolder import OutFolder
from pipelines.results.rolling.closing import is_open
from pipelines.results.rolling.spool import find_spools
from serve.operations import catalogue
from sievert import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from serve.operations.exposition import Reading

_TIMEOUT_S = 1.0
_ANSWERS = re.compile(r'haproxy_frontend_http_responses_total\{proxy="http_frontend",code="(\w+)"\} (\d+)')


class JobReader:
    """How rolling jobs stand. A job that was seen on the ledger is not looked at again: there may be many.

    Args:
        results: Folder of the rolling jobs.
        keys: The key store, where open jobs have their spools.
        clock: Seconds since 1970.
    """

    def __init__(self, results: Path, keys: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._results, self._keys, self._clock = results, keys, clock
        self._anchored: dict[str, float] = {}

    def __call__(self) -> Iterator[Reading]:
        """Find out."""
        closed = list(self._closed())
        spools = find_spools(self._keys)
        now = self._clock()
        yield catalogue.JOBS_OPEN, (), len(spools)
        yield catalogue.JOBS_UNANCHORED, (), len(closed)
        yield catalogue.OLDEST, (), max((now - when for when in closed), default=0.0)
        if self._anchored:
            yield catalogue.ANCHORED, (), max(0.0, now - max(self._anchored.values()))
        yield catalogue.PROBLEM, (), float(bool(read_troubles(self._results)))
        yield catalogue.SPOOL, (), sum(map(_size, spools))

    def _closed(self) -> Iterator[float]:
        """When each closed job that is not on the ledger was closed."""
        for folder in self._results.glob("*"):
            out = OutFolder(folder)
            if folder.name in self._anchored or not out.job.exists():
                continue
            if (anchored := _written(out.anchor)) is not None:
                self._anchored[folder.name] = anchored
            elif not is_open(out):
                yield _written(out.closed) or self._clock()


def read_disks(places: Mapping[str, Path]) -> Iterator[Reading]:
    """How much room there is.

    Args:
        places: Folders by what they are called; one that is not there yet counts as the one above it.
    """
    for name, place in places.items():
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        usage = shutil.disk_usage(there)
        yield catalogue.DISK_FREE, (name,), usage.free
        yield catalogue.DISK_SIZE, (name,), usage.total


def read_models(models: Iterable[tuple[str, bool, int]]) -> Iterator[Reading]:
    """How the models stand.

    Args:
        models: Of each its name, whether it runs, and its replicas.
    """
    for name, runs, replicas in models:
        yield catalogue.UP, (name,), float(runs)
        yield catalogue.REPLICAS, (name,), replicas


def read_build() -> Iterator[Reading]:
    """Which release answers."""
    yield catalogue.BUILD, (__version__,), 1.0


def read_proxy(port: int) -> Iterator[Reading]:
    """What left HAProxy: only it knows of what it answered itself, for want of a replica.

    Args:
        port: Of its own metrics, on this machine.
    """
    with urlopen(f"http://127.0.0.1:{port}/metrics?scope=frontend", timeout=_TIMEOUT_S) as answer:
        told = answer.read().decode("utf-8", "replace")
    for code, count in _ANSWERS.findall(told):
        yield catalogue.ANSWERS, (code,), float(count)


def _written(file: Path) -> float | None:
    try:
        return file.stat().st_mtime
    except OSError:
        return None


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # closed meanwhile
        return 0
