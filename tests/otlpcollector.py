"""A collector of OpenTelemetry's traces for tests: OTLP over HTTP, as protobuf (OTLP specification 1.x)."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Collector:
    """It.

    Attributes:
        url: Where it listens.
        spans: What it got: of each span its process and itself.
        raw: The same as it came.
    """

    url: str = ""
    spans: list[tuple[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def take(self, content: bytes) -> None:
        """One export."""
        told = ExportTraceServiceRequest()
        told.ParseFromString(content)
        self.raw.append(content)
        for resource in told.resource_spans:
            about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            self.spans += [(about["sievert.process"], span) for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str, process: str) -> list[Any]:
        """The spans of a name that a process made."""
        return [span for by, span in self.spans if (span.name, by) == (name, process)]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Have one for a while."""
    collector = Collector()

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.take(gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
