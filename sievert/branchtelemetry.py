"""The branch of the tree of settings that says how the online service is watched."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from sievert.branches import Branch
from sievert.branchurls import SafeUrl  # noqa: TC001 - pydantic reads the annotations


class TelemetrySettings(Branch):
    """Journal, traces and drift of the online service; metrics are always there, at `/metrics`."""

    log: Literal["file", "stderr", "off"] = Field(
        default="file",
        description="The journal, a JSON line a request: in `logs` of `serve.state`, on processes' stderr, or none.",
    )
    log_bytes: PositiveInt = Field(default=1 << 24, description="Size at which a file of the journal is rotated.")
    log_files: PositiveInt = Field(default=8, description="Files that a process keeps of it.")
    log_addresses: bool = Field(default=False, description="Whether its lines have the client's address.")
    otlp_endpoint: SafeUrl | None = Field(
        default=None,
        description="OpenTelemetry collector (OTLP over HTTP) that traces go to; left out: what "
        "OTEL_EXPORTER_OTLP_ENDPOINT names, else none. Needs the extra `telemetry`.",
    )
    trace_share: float = Field(default=1.0, ge=0, le=1, description="Share of the traces that begin here.")
    drift_baseline: PositiveInt = Field(default=500, ge=100, description="Studies that make a model's baseline.")
    drift_window: PositiveInt = Field(
        default=1000, ge=100, description="Studies of a replica that are compared with it."
    )
