"""The page at `/metrics`: what all processes of the service have counted, and what the front finds out when asked.

Prometheus's text format, version 0.0.4. Numbers of processes that are gone stay in the counters, and leave the gauges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from prometheus_client.metrics_core import Metric

    from serve.operations.catalogue import Kind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Reading = tuple["Kind", tuple[str, ...], float]
"""A metric, the values of its labels, and its value."""


class Exposition:
    """Makes the page.

    Args:
        folder: Where the processes write.
        readers: Each finds something out; one that fails leaves its metrics out, so that the others are seen.
    """

    def __init__(self, folder: Path, readers: Sequence[Callable[[], Iterable[Reading]]]) -> None:
        self._folder, self._readers = folder, tuple(readers)

    def page(self) -> bytes:
        """The page as it is now; may take a moment."""
        _bury(self._folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]  # untyped there
        registry.register(_Found(self._readers))
        return generate_latest(registry)


class _Found:
    def __init__(self, readers: Sequence[Callable[[], Iterable[Reading]]]) -> None:
        self._readers = readers

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for kind, labels, value in self._read():
            if kind.name not in families:
                family = CounterMetricFamily if kind.type == "counter" else GaugeMetricFamily
                families[kind.name] = family(kind.name, kind.help, labels=kind.labels)
            families[kind.name].add_metric(labels, value)
        yield from families.values()

    def _read(self) -> Iterator[Reading]:
        for reader in self._readers:
            try:
                found = list(reader())
            except Exception:  # noqa: BLE001, S112 - whoever watches sees that it is absent
                continue
            yield from found


def _bury(folder: Path) -> None:
    """Take the gauges of processes that are gone off the page."""
    for file in folder.glob("gauge_live*.db"):
        process = file.stem.rpartition("_")[2]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            mark_process_dead(int(process), str(folder))  # type: ignore[no-untyped-call]  # untyped there
