"""Reads metrics back, for the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def samples_of(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    """Each series by its name and the values of its labels, in the labels' own order."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }
