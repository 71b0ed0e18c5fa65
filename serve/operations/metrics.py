"""Counts what the service does, in every process of it; the page of all processes is `exposition.py`'s.

Each process writes its numbers into memory-mapped files in one folder of the service's run (multiprocess mode of
prometheus_client): a replica that was killed has lost no count, and nobody has to ask anybody over a network.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from serve.operations import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipelines.flows.online.screener import Answer
    from serve.operations.catalogue import Kind

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STAGES = ("admission", "predict", "explain", "seal")


class Metrics:
    """The counters of one process; there is one such object in it.

    Args:
        folder: Of the run's metrics, shared by all processes of a node; None keeps them in this process.
    """

    def __init__(self, folder: Path | None) -> None:
        _write_into(folder)
        self.registry = CollectorRegistry()
        self._of = {kind.name: _make(kind, self.registry) for kind in catalogue.COUNTED}
        self._bound: dict[tuple[str, ...], Any] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            route: The template, not the path.
            method: Any; unknown ones are counted together.
            status: Of the answer.
            seconds: It took.
        """
        self._at(catalogue.REQUESTS, route, method if method in _METHODS else "other", str(status)).inc()
        self._at(catalogue.REQUEST_S, route).observe(seconds)

    def begun(self, app: str) -> None:
        """A request was taken in hand."""
        self._at(catalogue.IN_HAND, app).inc()

    def ended(self, app: str) -> None:
        """It is out of hand."""
        self._at(catalogue.IN_HAND, app).dec()

    def refused(self, app: str) -> None:
        """Back-pressure refused a request."""
        self._at(catalogue.REFUSED, app).inc()

    def batch(self, model: str, size: int) -> None:
        """A forward pass begins."""
        self._at(catalogue.BATCH_SIZE, model).observe(size)

    def restarted(self, model: str) -> None:
        """A process that admits was replaced."""
        self._at(catalogue.RESTARTS, model).inc()

    def signed(self, outcome: str) -> None:
        """Somebody signed in, signed out or was refused."""
        self._at(catalogue.SIGN_INS, outcome).inc()

    def inferred(self, model: str, seconds: float) -> None:
        """The network was asked about tensors."""
        self._at(catalogue.STAGE_S, model, "infer").observe(seconds)

    def screened(self, model: str, answer: Answer, seconds: float) -> None:
        """A study was answered: its stages, and what became of it."""
        for stage, took in stages_of(answer.stage_s).items():
            self._at(catalogue.STAGE_S, model, stage).observe(took)
        self._at(catalogue.STAGE_S, model, "total").observe(seconds)
        record = answer.record
        if "decision" not in record:
            self._at(catalogue.QUARANTINED, model, str(record["reason"]).partition(".")[0]).inc()
            return
        self._at(catalogue.DECISIONS, model, record["decision"]).inc()
        self._at(catalogue.PROBABILITY, model).observe(record["probability"])
        if record["flagged"]:
            self._at(catalogue.FLAGGED, model).inc()

    def drifted(self, model: str, indices: Mapping[str, float], studies: int) -> None:
        """How far the last studies are from the baseline, by what was compared."""
        self._at(catalogue.DRIFT_STUDIES, model).set(studies)
        for name, index in indices.items():
            self._at(catalogue.DRIFT, model, name).set(index)

    def _at(self, kind: Kind, *labels: str) -> Any:  # noqa: ANN401 - a counter, a gauge or a histogram
        key = (kind.name, *labels)
        found = self._bound.get(key)
        if found is None:
            found = self._bound[key] = self._of[kind.name].labels(*labels)
        return found


def stages_of(stage_s: Mapping[str, float]) -> dict[str, float]:
    """Seconds by the stages that are shown; the steps of preprocessing are one."""
    shown = {stage: stage_s[stage] for stage in _STAGES if stage in stage_s}
    steps = [seconds for stage, seconds in stage_s.items() if stage.startswith("preprocess.")]
    return {**shown, "preprocess": sum(steps)} if steps else shown


def _write_into(folder: Path | None) -> None:
    """Chosen here and not by the environment that processes are born with: Ray's own use the same library."""
    if folder is None:
        values.ValueClass = values.MutexValue
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # the library's way to set it


def _make(kind: Kind, registry: CollectorRegistry) -> Any:  # noqa: ANN401 - as above
    if kind.type == "counter":
        return Counter(kind.name, kind.help, kind.labels, registry=registry)
    if kind.type == "histogram":
        return Histogram(kind.name, kind.help, kind.labels, registry=registry, buckets=kind.buckets)
    return Gauge(kind.name, kind.help, kind.labels, registry=registry, multiprocess_mode=kind.merged)
