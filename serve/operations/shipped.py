"""What comes with the service for its operator: a Grafana dashboard, and rules for Prometheus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ALERTS = Path(__file__).parent / "alerts.yaml"
_WIDE, _HIGH, _COLUMNS = 8, 7, 3
_DURATION = "sum by (le{by}) (rate({name}_bucket{only}[$__rate_interval]))"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of the dashboard.

    Attributes:
        title: Above it.
        unit: As Grafana names it.
        lines: Expressions by their legend.
        kind: Of picture.
    """

    title: str
    unit: str
    lines: dict[str, str]
    kind: str = "timeseries"


def _quantile(share: float, name: str, *, only: str = "", by: str = "") -> str:
    inner = _DURATION.format(name=name, only=only, by=f", {by}" if by else "")
    return f"histogram_quantile({share}, {inner})"


def _rate(name: str, by: str, *, over: str = "$__rate_interval") -> str:
    return f"sum by ({by}) (rate({name}[{over}]))"


_TOTAL = '{stage="total"}'
_SHARES = (0.5, 0.95, 0.99)
_BATCHES = " / ".join(_rate(f"sievert_batch_size_{part}", "model") for part in ("sum", "count"))
PANELS: dict[str, tuple[Panel, ...]] = {
    "Service": (
        Panel(
            "Requests by status",
            "reqps",
            {"{{status}}": _rate("sievert_requests_total", "status")},
        ),
        Panel("What left HAProxy", "reqps", {"{{code}}": _rate("sievert_proxy_answers_total", "code")}),
        Panel("In hand", "short", {"{{app}}": "sum by (app) (sievert_requests_in_hand)"}),
        Panel("Slowest hundredth by route", "s", {"{{route}}": _quantile(0.99, "sievert_request_seconds", by="route")}),
        Panel(
            "Refused by back-pressure",
            "reqps",
            {"{{app}}": _rate("sievert_requests_refused_total", "app")},
        ),
        Panel("Replicas", "short", {"{{model}}": "sievert_replicas", "{{model}} runs": "sievert_model_up"}, "stat"),
    ),
    "Latency": (
        Panel(
            "A study",
            "s",
            {
                f"p{round(100 * share)}": _quantile(share, "sievert_stage_seconds", only=_TOTAL)
                for share in (0.5, 0.95, 0.99)
            },
        ),
        Panel("Median by stage", "s", {"{{stage}}": _quantile(0.5, "sievert_stage_seconds", by="stage")}),
        Panel("p99 by stage", "s", {"{{stage}}": _quantile(0.99, "sievert_stage_seconds", by="stage")}),
        Panel(
            "Images a forward pass",
            "short",
            {
                "{{model}}": _rate("sievert_batch_size_sum", "model")
                + " / "
                + _rate("sievert_batch_size_count", "model")
            },
        ),
        Panel(
            "Processes that admit, replaced",
            "short",
            {"{{model}}": "sum by (model) (increase(sievert_sidecar_restarts_total[15m]))"},
        ),
        Panel("Refused sign-ins", "short", {"{{outcome}}": "sum by (outcome) (increase(sievert_sign_ins_total[15m]))"}),
    ),
    "Studies": (
        Panel("Decisions", "reqps", {"{{decision}}": _rate("sievert_decisions_total", "decision")}),
        Panel(
            "Flagged, share of the screened",
            "percentunit",
            {
                "{{model}}": _rate("sievert_flagged_total", "model", over="1h")
                + " / "
                + _rate("sievert_decisions_total", "model", over="1h")
            },
        ),
        Panel(
            "Quarantined by family",
            "reqps",
            {"{{family}}": _rate("sievert_quarantined_total", "family")},
        ),
        Panel("Probability", "short", {"{{le}}": "sum by (le) (increase(sievert_probability_bucket[1h]))"}, "heatmap"),
        Panel("Drift (0.1 some, 0.25 large)", "short", {"{{model}} {{of}}": "sievert_drift_psi"}),
        Panel("Studies compared", "short", {"{{model}}": "sievert_drift_studies"}),
    ),
    "Results": (
        Panel("Rolling jobs", "short", {"open": "sievert_jobs_open", "not anchored": "sievert_jobs_unanchored"}),
        Panel(
            "Since the last anchor",
            "s",
            {"last anchor": "sievert_last_anchor_seconds", "oldest unanchored": "sievert_oldest_unanchored_seconds"},
        ),
        Panel("Closing or anchoring fails", "short", {"problem": "sievert_rolling_problem"}, "stat"),
        Panel("Spools", "bytes", {"spools": "sievert_spool_bytes"}),
        Panel("Free", "percentunit", {"{{place}}": "sievert_disk_free_bytes / sievert_disk_size_bytes"}),
        Panel("Release", "short", {"{{version}}": "sievert_build_info"}, "stat"),
    ),
}


def alert_rules() -> str:
    """Rules for Prometheus, YAML."""
    return _ALERTS.read_text("utf-8")


def dashboard() -> str:
    """The dashboard, JSON as Grafana imports it (schema 39); its data source is chosen there."""
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    told = {
        "title": "Sievert",
        "uid": "sievert-online",
        "tags": ["sievert"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": _placed(),
    }
    return json.dumps(told, indent=1) + "\n"


def _placed() -> list[dict[str, Any]]:
    """Rows of three, below the title of each part."""
    found: list[dict[str, Any]] = []
    top = 0
    for part, panels in PANELS.items():
        found.append(
            {"id": len(found) + 1, "type": "row", "title": part, "gridPos": _place(0, top, 24, 1), "panels": []}
        )
        for number, panel in enumerate(panels):
            row, column = divmod(number, _COLUMNS)
            place = _place(column * _WIDE, top + 1 + row * _HIGH, _WIDE, _HIGH)
            found.append({"id": len(found) + 1, "gridPos": place, **_drawn(panel)})
        top += 1 + -(-len(panels) // _COLUMNS) * _HIGH
    return found


def _place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _drawn(panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    drawn = {"format": "heatmap"} if panel.kind == "heatmap" else {}
    targets = [
        {"refId": chr(ord("A") + number), "expr": expression, "legendFormat": legend, "datasource": source, **drawn}
        for number, (legend, expression) in enumerate(panel.lines.items())
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }
