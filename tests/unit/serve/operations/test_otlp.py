from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from serve.operations.journal import Journal
from serve.operations.metrics import Metrics
from serve.operations.observed import Observed
from serve.operations.otlp import OtlpTracing, exporter_to
from serve.operations.tracing import NoTracing, open_tracing
from serve.operations.watch import Watch
from sievert.settings import TelemetrySettings
from tests.dicoms import chest, encoded
from tests.onlinebackend import online_in

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, NOT_SAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


class Traced:
    def __init__(self, *, share: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = OtlpTracing(self.exporter, process="front", share=share)
        self.carriers = list[object]()
        app = FastAPI()

        @app.get("/v1/cases/{case}")
        async def case(case: str) -> str:
            self.carriers.append(self.tracing.carrier())
            clock = self.tracing.clock()
            for stage in ("admission", "decide", "seal"):
                with clock(stage):
                    pass
            self.tracing.link("job of " + case)
            return case

        @app.get("/broken")
        async def broken() -> str:
            raise RuntimeError("MARIA^MUSTER")

        watch = Watch(app, name="front", metrics=Metrics(None), journal=Journal(None), tracing=self.tracing)
        transport = httpx.ASGITransport(watch, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://service.test")

    def spans(self) -> dict[str, ReadableSpan]:
        self.tracing.stop()
        return {span.name: span for span in self.exporter.get_finished_spans()}


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


@pytest.mark.anyio
async def test_a_request_goes_on_with_the_senders_trace_and_its_stages_lie_below_it() -> None:
    traced = Traced()
    await traced.client.get("/v1/cases/17?patient=4711", headers={"traceparent": SAMPLED})
    spans = traced.spans()
    assert set(spans) == {"request", "admission", "seal"}
    request = spans["request"]
    assert request.parent is not None
    assert (ids(request)[0], f"{request.parent.span_id:016x}") == (TRACE, PARENT)
    assert dict(request.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/v1/cases/{case}",
        "http.response.status_code": 200,
    }
    for stage in ("admission", "seal"):
        parent = spans[stage].parent
        assert parent is not None
        assert f"{parent.span_id:016x}" == ids(request)[1]
    assert traced.carriers == [{"traceparent": f"00-{TRACE}-{ids(request)[1]}-01"}]


@pytest.mark.anyio
async def test_the_trace_of_a_rolling_job_is_linked_and_tells_nothing_of_the_job() -> None:
    traced = Traced()
    await traced.client.get("/v1/cases/17")
    traced.tracing.after("anchor", "job of 17", 0.25)
    spans = traced.spans()
    (link,) = spans["request"].links
    anchor = spans["anchor"]
    assert f"{link.context.trace_id:032x}" == ids(anchor)[0]
    assert anchor.start_time is not None
    assert anchor.end_time is not None
    assert anchor.end_time - anchor.start_time == pytest.approx(250_000_000, abs=1000)
    assert not anchor.attributes


@pytest.mark.anyio
async def test_a_sender_that_does_not_record_is_not_recorded_and_a_share_is_a_share() -> None:
    for share, headers in ((1.0, {"traceparent": NOT_SAMPLED}), (0.0, {})):
        traced = Traced(share=share)
        await traced.client.get("/v1/cases/17", headers=headers)
        assert traced.spans() == {}


@pytest.mark.anyio
async def test_an_error_is_marked_without_its_text() -> None:
    traced = Traced()
    await traced.client.get("/broken", headers={"traceparent": "rubbish"})
    request = traced.spans()["request"]
    assert request.status.status_code is StatusCode.ERROR
    assert "MARIA" not in request.to_json()


@pytest.mark.anyio
async def test_a_study_of_a_patient_leaves_no_identifier_in_any_span(tmp_path: Path) -> None:
    traced = Traced()
    with online_in(tmp_path) as online:
        online.backend._clocks = traced.tracing.clock
        backend = Observed(online.backend, tracing=traced.tracing)
        with traced.tracing.request("POST", []):
            found = await backend.screen("default", encoded(chest()), patient=None, shown=None)
    traced.tracing.stop()
    spans = traced.exporter.get_finished_spans()
    assert {"request", "admission", "predict", "seal"} <= {span.name for span in spans}
    told = "".join(span.to_json() for span in spans)
    kept = [found.record["record"], found.record["patient"], found.record["job"], *found.identity.values()]
    assert [value for value in kept if value and value in told] == []


def test_a_collector_that_is_away_holds_nothing_up_and_its_address_is_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracing = OtlpTracing(exporter_to("http://127.0.0.1:9/secret"), process="front", share=1.0)
    with tracing.request("GET", []) as span:
        span.answered("/health", 200)
    begun = time.perf_counter()
    tracing.stop()
    assert time.perf_counter() - begun < 8
    assert "secret" not in caplog.text


def test_without_a_collector_there_is_no_tracing() -> None:
    assert isinstance(open_tracing(TelemetrySettings(), "front"), NoTracing)
