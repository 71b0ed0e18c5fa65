"""What watching costs a study: counting, its line in the journal, its note for drift. Prints microseconds.

`before the answer` is what its sender waits for; `CPU` is all that the request's thread does for it, most of it after.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pipelines.flows.online.screener import Answer
from serve.operations.drift import DriftWatch
from serve.operations.journal import Journal, open_journal
from serve.operations.metrics import Metrics
from serve.operations.observed import Observed
from serve.operations.tracing import NoTracing
from serve.operations.watch import Watch
from sievert.settings import TelemetrySettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

REQUESTS, ROUNDS = 3000, 5
STAGES = ("admit", "preprocess.clahe", "preprocess.resize", "admission", "predict", "decide", "explain", "seal")
ANSWER = Answer(
    {"decision": "positive", "probability": 0.93, "flagged": True, "job": "none"},
    {},
    dict.fromkeys(STAGES, 0.004),
    {"brightness": 0.4, "size_px": 512.0},
)


class Nothing:
    """A network that answers at once."""

    models: tuple[Any, ...] = (SimpleNamespace(name="default"),)

    async def screen(self, *_: object, **__: object) -> Answer:
        """See `Backend`."""
        return ANSWER

    async def infer(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never asked
        """See `Backend`."""


def main() -> None:
    """Measure, and print."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        metrics = Metrics(place / "metrics")
        drift = DriftWatch(place / "state", digest="a" * 64, first=500, window=1000, tell=lambda *_: None)

        def screened(model: str, answer: Answer, seconds: float) -> None:
            metrics.screened(model, answer, seconds)
            drift.add({"probability": 0.93, **answer.measured})

        observed = Observed(Nothing(), tracing=NoTracing(), screened=screened)
        journal = open_journal(TelemetrySettings(), place, "front")
        for name, app in (
            ("nothing", _app(Nothing())),
            ("counted", _watched(_app(observed), metrics, Journal(None))),
            ("counted, with a journal", _watched(_app(observed), metrics, journal)),
        ):
            waited, cpu = min(asyncio.run(_measure(app)) for _ in range(ROUNDS))
            print(f"{name:24} before the answer {waited:6.1f} µs   CPU {cpu:6.1f} µs")
        journal.stop()


def _watched(app: ASGIApp, metrics: Metrics, journal: Journal) -> Watch:
    return Watch(app, name="front", metrics=metrics, journal=journal, tracing=NoTracing())


def _app(backend: Any) -> ASGIApp:  # noqa: ANN401 - a Backend, or what looks like one
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await backend.screen("default", b"", patient=None, shown=None)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    return app


async def _measure(app: ASGIApp) -> tuple[float, float]:
    """Seconds before the answer and seconds of CPU, a request, in microseconds."""
    waited, begun, head = 0.0, 0.0, [(b"x-request-id", b"abc"), (b"content-type", b"image/png")]

    async def send(_: object) -> None:
        nonlocal waited
        waited += time.thread_time() - begun

    async def receive() -> Any:  # noqa: ANN401 - never asked
        return {"type": "http.disconnect"}

    start = time.thread_time()
    for _ in range(REQUESTS):
        begun = time.thread_time()
        await app({"type": "http", "method": "POST", "headers": head}, receive, send)
        await asyncio.sleep(0)
    return 1e6 * waited / REQUESTS, 1e6 * (time.thread_time() - start) / REQUESTS


if __name__ == "__main__":
    main()
