"""What every process of the service watches itself with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipelines.results.keystore import KeyStore
from serve.operations.drift import DriftWatch
from serve.operations.journal import open_journal
from serve.operations.metrics import Metrics
from serve.operations.observed import Observed
from serve.operations.tracing import ENDPOINT_VARIABLE, endpoint_in, open_tracing
from serve.operations.watch import Watch
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from pipelines.flows.online.screener import Answer
    from serve.access.events import AccessEvent
    from serve.api.backend import Backend, ServedModel
    from serve.operations.journal import Journal
    from serve.operations.tracing import Tracing
    from sievert.settings import Settings, TelemetrySettings


@dataclass(frozen=True, slots=True)
class WatchTask:
    """What a process is told about watching itself: plain values, no secret.

    Attributes:
        settings: How.
        metrics: Folder of the run's metrics, on each node its own.
        state: The service's state folder.
        keys: The key store, whose audit log has the sign-ins.
        actor: Whom entries of the audit log name.
    """

    settings: TelemetrySettings
    metrics: Path
    state: Path
    keys: Path
    actor: str | None


@dataclass(frozen=True, slots=True)
class Operations:
    """They.

    Attributes:
        app: What the process answers for: `front`, or a model's name.
        metrics: Counts.
        journal: Lines.
        tracing: Spans.
        keys: The key store.
        addresses: Whether lines have addresses.
    """

    app: str
    metrics: Metrics
    journal: Journal
    tracing: Tracing
    keys: KeyStore
    addresses: bool

    def watched(self, app: ASGIApp) -> ASGIApp:
        """The outermost layer."""
        return Watch(
            app,
            name=self.app,
            metrics=self.metrics,
            journal=self.journal,
            tracing=self.tracing,
            addresses=self.addresses,
        )

    def refused(self) -> None:
        """Back-pressure refused a request."""
        self.metrics.refused(self.app)

    def signed(self, event: AccessEvent) -> None:
        """Somebody signed in, signed out or was refused: into the audit log; called in a thread.

        Raises:
            StorageError: And its kinds; whoever signs in is then not signed in.
        """
        self.metrics.signed(event.what)
        self.keys.log(event.what, principal=event.who, by=event.by, address=event.address)

    def stop(self) -> None:
        """Write and send what waits."""
        self.journal.stop()
        self.tracing.stop()


def watch_task(settings: Settings, own: Path, *, environment: Mapping[str, str]) -> WatchTask:
    """What every process of a run is told.

    Args:
        settings: The tree.
        own: Folder of the run.
        environment: May name the collector of traces, by OpenTelemetry's own variable.

    Raises:
        ConfigError: It names none that may be.
    """
    told, named = settings.serve.telemetry, endpoint_in(environment)
    if told.otlp_endpoint is None and named:
        try:
            told = type(told).model_validate({**told.model_dump(), "otlp_endpoint": named})
        except ValidationError as error:
            raise ConfigError(f"{ENDPOINT_VARIABLE}: {error.errors()[0]['msg'].lower()}") from error
    return WatchTask(
        settings=told,
        metrics=own / "metrics",
        state=settings.serve.state.absolute(),
        keys=settings.store.keys.absolute(),
        actor=settings.audit.actor,
    )


def open_operations(task: WatchTask, app: str) -> Operations:
    """Begin to watch.

    Raises:
        ConfigError: Traces are wanted, and the packages for them are not installed.
        KeyStoreError: There is no key store.
        StorageError: And its kinds.
    """
    return Operations(
        app=app,
        metrics=Metrics(task.metrics),
        journal=open_journal(task.settings, task.state, app),
        tracing=open_tracing(task.settings, app),
        keys=KeyStore(task.keys, actor=task.actor),
        addresses=task.settings.log_addresses,
    )


def watch_drift(task: WatchTask, model: ServedModel, metrics: Metrics) -> DriftWatch:
    """What compares a replica's studies with the baseline."""
    return DriftWatch(
        task.state,
        digest=model.digest,
        first=task.settings.drift_baseline,
        window=task.settings.drift_window,
        tell=lambda indices, studies: metrics.drifted(model.name, indices, studies),
    )


def observed_replica(inner: Backend, operations: Operations, drift: DriftWatch) -> Observed:
    """A replica's network: each study is counted."""

    def screened(model: str, answer: Answer, seconds: float) -> None:
        operations.metrics.screened(model, answer, seconds)
        if "probability" in answer.record:
            drift.add({"probability": answer.record["probability"], **answer.measured})

    return Observed(inner, tracing=operations.tracing, screened=screened, inferred=operations.metrics.inferred)
