"""Traces: what they are to the rest of the service, and how they are off.

Off unless `serve.telemetry.otlp_endpoint` or OTEL_EXPORTER_OTLP_ENDPOINT names a collector; then `otlp.py` does it. The
context travels as W3C Trace Context (`traceparent`): from the client through HAProxy, and with the front's calls.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

from pipelines.flows.stopwatch import Stopwatch
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from sievert.settings import TelemetrySettings

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
Carrier = dict[str, str]
"""A trace's context, as headers have it."""


class RequestSpan(Protocol):
    """The span of a request."""

    def answered(self, route: str, status: int) -> None:
        """What it came to."""

    @property
    def trace(self) -> str | None:
        """Its trace's id, 32 hexadecimal digits; None where there is none."""


class Tracing(Protocol):
    """Makes spans; none of their attributes names a patient, a record or a principal."""

    def request(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[RequestSpan]:
        """The span of a request, below the one that its headers name."""

    def carrier(self) -> Carrier | None:
        """The context that is now, to be sent to another process."""

    def under(self, carrier: Carrier | None) -> AbstractContextManager[object]:
        """Be below a context that another process sent."""

    def clock(self) -> Stopwatch:
        """A stopwatch whose stages are spans, below the context that is now."""

    def link(self, job: str) -> None:
        """Lead from the span that is now to the trace of a rolling job, which has its `close` and its `anchor`."""

    def after(self, deed: str, job: str, seconds: float) -> None:
        """Something was done to a rolling job, and took so long until now."""

    def stop(self) -> None:
        """Send what waits."""


class NoSpan:
    """See `RequestSpan`."""

    trace: str | None = None

    def answered(self, route: str, status: int) -> None:
        """See `RequestSpan`."""


class NoTracing:
    """See `Tracing`: does nothing, and costs nothing."""

    def request(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[RequestSpan]:  # noqa: ARG002 - the protocol's
        """See `Tracing`."""
        return _NO_REQUEST

    def carrier(self) -> Carrier | None:
        """See `Tracing`."""
        return None

    def under(self, carrier: Carrier | None) -> AbstractContextManager[object]:  # noqa: ARG002 - the protocol's
        """See `Tracing`."""
        return nullcontext()

    def clock(self) -> Stopwatch:
        """See `Tracing`."""
        return Stopwatch()

    def link(self, job: str) -> None:
        """See `Tracing`."""

    def after(self, deed: str, job: str, seconds: float) -> None:
        """See `Tracing`."""

    def stop(self) -> None:
        """See `Tracing`."""


_NO_REQUEST: AbstractContextManager[RequestSpan] = nullcontext(NoSpan())


def open_tracing(settings: TelemetrySettings, process: str) -> Tracing:
    """Traces as the settings want them.

    Args:
        settings: Where to, and how many.
        process: What this one answers for.

    Raises:
        ConfigError: They are wanted, and the packages for it are not installed.
    """
    if settings.otlp_endpoint is None:
        return NoTracing()
    try:
        from serve.operations.otlp import OtlpTracing, exporter_to
    except ImportError as error:
        raise ConfigError(
            "traces are wanted, and what sends them is not installed", remedy="pip install 'sievert[telemetry]'"
        ) from error
    exporter = exporter_to(settings.otlp_endpoint.get_secret_value())
    return OtlpTracing(exporter, process=process, share=settings.trace_share)


def endpoint_in(environment: Mapping[str, str]) -> str | None:
    """The collector that OpenTelemetry's own variable names."""
    return environment.get(ENDPOINT_VARIABLE) or None
