"""The receiver that docs/notify.md shows."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from standardwebhooks import Webhook

from pipelines.notify.webhook import WebhookChannel
from pipelines.results.ledger.rpc.account import Secret
from sievert.settings import WebhookSettings
from tests.notices import SECRET, seal_job, tell

PAGE = Path(__file__).parents[4] / "docs" / "notify.md"


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def url(told: list[Any]) -> Iterator[str]:
    shown: dict[str, Any] = {}
    exec("".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)), shown)  # noqa: S102 - the page
    handler: type[BaseHTTPRequestHandler] = shown["receiver"](SECRET, told.append)
    handler.log_message = lambda *_: None  # type: ignore[method-assign] # quiet
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def post(url: str, *, at: datetime, secret: str = SECRET) -> int:
    signature = Webhook(secret).sign("an-id", at, "{}")
    headers = {"webhook-id": "an-id", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    try:
        with urlopen(Request(url, b"{}", headers), timeout=5) as answer:  # noqa: S310 - on this machine
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_it_takes_what_is_sent_and_drops_repeats(url: str, told: list[Any], tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95, 0.7])
    channel = WebhookChannel(WebhookSettings.model_validate({"url": url}), Secret(SECRET))
    tell(job, channel)
    (job.keys.folder / "notices" / f"{job.job}.sqlite").unlink()
    tell(job, channel)
    assert [one["data"]["id"] for one in told] == [job.id_of(0), job.id_of(1)]


@pytest.mark.parametrize(
    ("when", "secret", "code"),
    [
        (lambda now: now, SECRET, 204),
        (lambda now: now - timedelta(minutes=6), SECRET, 401),
        (lambda now: now + timedelta(minutes=6), SECRET, 401),
        (lambda now: now, "whsec_" + "A" * 32, 401),
    ],
)
def test_it_refuses_what_is_replayed_or_signed_by_somebody_else(
    url: str, told: list[Any], when: Callable[[datetime], datetime], secret: str, code: int
) -> None:
    assert post(url, at=when(datetime.now(UTC)), secret=secret) == code
    assert len(told) == (code == 204)
