"""Traces by OpenTelemetry, sent as OTLP over HTTP (OTLP specification 1.x; W3C Trace Context)."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipelines.flows.stopwatch import Stopwatch
from sievert import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

    from serve.operations.tracing import Carrier

SHOWN_STAGES = frozenset({"admission", "predict", "explain", "seal"})
_CARRIED = (b"traceparent", b"tracestate")
_SERVER_ERROR, _SEND_S = 500, 3.0
_W3C = TraceContextTextMapPropagator()


def exporter_to(endpoint: str) -> OTLPSpanExporter:
    """Sends to a collector; its headers come from OTEL_EXPORTER_OTLP_HEADERS.

    One that is away costs traces, and the service's end a few seconds. It is not told of: the address may hold a token.

    Args:
        endpoint: Its address, without the path of traces.
    """
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_SEND_S)


class OtlpTracing:
    """See `serve.operations.tracing.Tracing`.

    Args:
        exporter: Where spans go.
        process: What this process answers for.
        share: Of the traces that begin here; one that began elsewhere is followed as its beginning says.
    """

    def __init__(self, exporter: SpanExporter, *, process: str, share: float) -> None:
        about = {"service.name": "sievert", "service.version": __version__, "sievert.process": process}
        sampler = ParentBased(TraceIdRatioBased(share))
        # not the SDK's own detectors: they tell the command line, which may name folders
        self._provider = TracerProvider(resource=Resource(about), sampler=sampler, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("sievert")

    @contextmanager
    def request(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[OtlpRequest]:
        """See `Tracing`."""
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name in _CARRIED}
        with self._tracer.start_as_current_span(
            "request",
            context=_W3C.extract(told),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method},
            record_exception=False,  # its text may hold what a request brought
            set_status_on_exception=False,
        ) as span:
            yield OtlpRequest(span)

    def carrier(self) -> Carrier | None:
        """See `Tracing`."""
        carrier: Carrier = {}
        _W3C.inject(carrier)
        return carrier or None

    @contextmanager
    def under(self, carrier: Carrier | None) -> Iterator[None]:
        """See `Tracing`."""
        token = context.attach(_W3C.extract(carrier or {}))
        try:
            yield
        finally:
            context.detach(token)

    def clock(self) -> Stopwatch:
        """See `Tracing`."""
        return TracedStopwatch(self._tracer, context.get_current())

    def link(self, job: str) -> None:
        """See `Tracing`."""
        trace.get_current_span().add_link(_context_of(job))

    def after(self, deed: str, job: str, seconds: float) -> None:
        """See `Tracing`."""
        end = time.time_ns()
        parent = trace.set_span_in_context(NonRecordingSpan(_context_of(job)))
        span = self._tracer.start_span(deed, context=parent, start_time=end - int(seconds * 1e9))
        span.end(end)

    def stop(self) -> None:
        """See `Tracing`."""
        self._provider.shutdown()


class OtlpRequest:
    """See `serve.operations.tracing.RequestSpan`."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def answered(self, route: str, status: int) -> None:
        """See `RequestSpan`; names as in OpenTelemetry's semantic conventions for HTTP."""
        self._span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= _SERVER_ERROR:
            self._span.set_status(Status(StatusCode.ERROR))

    @property
    def trace(self) -> str | None:
        """See `RequestSpan`."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)


class TracedStopwatch(Stopwatch):
    """A stopwatch whose stages are spans too.

    Args:
        tracer: Makes them.
        parent: What they are below.
    """

    def __init__(self, tracer: Tracer, parent: Context) -> None:
        super().__init__()
        self._tracer, self._parent = tracer, parent

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what is done inside."""
        with super().__call__(stage):
            if stage not in SHOWN_STAGES:
                yield
                return
            with self._tracer.start_as_current_span(
                stage, context=self._parent, record_exception=False, set_status_on_exception=False
            ):
                yield


def _context_of(job: str) -> SpanContext:
    """Where a rolling job's trace begins: any process comes to the same ids, and they lead back to no job."""
    digest = sha256(f"sievert/trace/1|{job}".encode()).digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
