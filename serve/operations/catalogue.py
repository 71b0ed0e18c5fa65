"""Every metric of the service: the code, the page at `/metrics`, docs/operations.md, dashboard and alerts follow it.

Names and units as Prometheus asks for them: seconds and bytes, `_total` behind a counter. No label holds a patient's or
a record's identifier, an address or anything else that a request brings freely, so their number is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))


@dataclass(frozen=True, slots=True)
class Kind:
    """One metric.

    Attributes:
        name: As the page has it, without what Prometheus's client puts behind it.
        type: As Prometheus knows it.
        help: What it says.
        labels: Names of its labels.
        buckets: Upper bounds of a histogram.
        merged: How one number is made of those of several processes (`multiprocess_mode` of prometheus_client).
        read: Found out when the page is asked for, by the front alone.
    """

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merged: Literal["livesum", "livemax"] = "livesum"
    read: bool = False

    @property
    def shown(self) -> str:
        """The name under which one asks for it."""
        return f"{self.name}_total" if self.type == "counter" else self.name

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its series, as an expression may use them."""
        if self.type == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.shown,)


REQUESTS = Kind(
    "sievert_requests",
    "counter",
    "Requests that were answered, by route, method, status.",
    ("route", "method", "status"),
)
REQUEST_S = Kind(
    "sievert_request_seconds", "histogram", "How long a request took, from its head to its end.", ("route",), _SECONDS
)
IN_HAND = Kind("sievert_requests_in_hand", "gauge", "Requests that are being answered now, by app.", ("app",))
REFUSED = Kind("sievert_requests_refused", "counter", "Requests that back-pressure answered with 429.", ("app",))
STAGE_S = Kind(
    "sievert_stage_seconds",
    "histogram",
    "How long a stage of a study took: admission (with preprocess in it), preprocess, predict (with the wait for a "
    "batch), explain, seal, total; or infer, of tensors.",
    ("model", "stage"),
    _SECONDS,
)
BATCH_SIZE = Kind(
    "sievert_batch_size", "histogram", "Images a forward pass.", ("model",), (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
)
DECISIONS = Kind("sievert_decisions", "counter", "Studies that were decided on.", ("model", "decision"))
FLAGGED = Kind("sievert_flagged", "counter", "Studies that a person must look at.", ("model",))
QUARANTINED = Kind("sievert_quarantined", "counter", "Studies refused, by the reason's family.", ("model", "family"))
PROBABILITY = Kind("sievert_probability", "histogram", "Calibrated probability of a positive.", ("model",), _TENTHS)
DRIFT = Kind(
    "sievert_drift_psi",
    "gauge",
    "Population stability index of the last studies against the baseline, of probability, brightness or size_px; "
    "the worst replica's.",
    ("model", "of"),
    merged="livemax",
)
DRIFT_STUDIES = Kind("sievert_drift_studies", "gauge", "Studies in the window that is compared.", ("model",))
RESTARTS = Kind(
    "sievert_sidecar_restarts", "counter", "Times that the process that admits had to be replaced.", ("model",)
)
SIGN_INS = Kind("sievert_sign_ins", "counter", "Who signed in, signed out or was refused.", ("outcome",))

ANSWERS = Kind(
    "sievert_proxy_answers", "counter", "Answers that left HAProxy, its own 503 among them.", ("code",), read=True
)
JOBS_OPEN = Kind("sievert_jobs_open", "gauge", "Rolling jobs that take records.", read=True)
JOBS_UNANCHORED = Kind("sievert_jobs_unanchored", "gauge", "Rolling jobs closed and not on the ledger.", read=True)
OLDEST = Kind(
    "sievert_oldest_unanchored_seconds", "gauge", "Age of the oldest of those; 0 where there is none.", read=True
)
ANCHORED = Kind(
    "sievert_last_anchor_seconds", "gauge", "Seconds since the last anchor; absent before the first.", read=True
)
PROBLEM = Kind("sievert_rolling_problem", "gauge", "1 while closing, anchoring or telling fails.", read=True)
SPOOL = Kind("sievert_spool_bytes", "gauge", "Sealed records that are in no closed job yet.", read=True)
DISK_FREE = Kind("sievert_disk_free_bytes", "gauge", "Free for us where results or keys lie.", ("place",), read=True)
DISK_SIZE = Kind("sievert_disk_size_bytes", "gauge", "Size of that file system.", ("place",), read=True)
REPLICAS = Kind("sievert_replicas", "gauge", "Replicas that run.", ("model",), read=True)
UP = Kind("sievert_model_up", "gauge", "1 while Ray Serve calls the model RUNNING.", ("model",), read=True)
BUILD = Kind("sievert_build_info", "gauge", "1; which release answers.", ("version",), read=True)

KINDS: tuple[Kind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Kind))
COUNTED = tuple(kind for kind in KINDS if not kind.read)
