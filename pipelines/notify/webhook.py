"""Signed HTTP requests by the Standard Webhooks specification (standardwebhooks.com), version 1.

`webhook-id` is the same for every attempt, so a receiver drops what it has had; `webhook-timestamp` is an attempt's, so
it refuses what is older than five minutes; `webhook-signature` is HMAC-SHA256 over id, timestamp and body.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.request import Request

from pipelines.notify.body import notice_body
from pipelines.notify.http import ask
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.rpc.account import Secret
    from sievert.settings import WebhookSettings

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


class WebhookChannel:
    """A receiver of signed requests.

    Args:
        settings: The branch; it has a URL.
        secret: One signing secret, `whsec_` and base64 of 24 to 64 bytes, or several with blanks between: the receiver
            may go over from one to the next.

    Raises:
        ConfigError: The secret is none.
    """

    name = "webhook"

    def __init__(self, settings: WebhookSettings, secret: Secret) -> None:
        from standardwebhooks import Webhook

        self._settings = settings
        self._signers = [Webhook(_key_of(each)) for each in secret.text.split()]
        if not self._signers:
            raise _no_secret()

    def __repr__(self) -> str:
        return "WebhookChannel()"

    def deliver(self, notice: Notice) -> None:
        """Post it; see `Channel`.

        Raises:
            DeliveryError: No answer, a redirect, a server's error, or a refusal of this moment.
            RefusedNoticeError: The receiver will never take it.
        """
        settings = self._settings
        url = settings.url.get_secret_value() if settings.url else ""
        body = notice_body(notice, identified=settings.identified)
        request = Request(url, data=body, headers=self._headers(notice, body), method="POST")  # noqa: S310 - checked
        ask(request, whom="the webhook's receiver", timeout_s=settings.timeout_s)

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        name, now = f"{notice.id}-{notice.stage.value}", datetime.now(UTC)  # the specification wants no dot
        return {
            "Content-Type": "application/json",
            "User-Agent": "sievert",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(name, now, body.decode()) for signer in self._signers),
        }


def _key_of(secret: str) -> bytes:
    text = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _no_secret() from None
    if len(key) not in _KEY_BYTES:
        raise _no_secret()
    return key


def _no_secret() -> ConfigError:
    return ConfigError(
        "the webhook's secret is not `whsec_` and the base64 of 24 to 64 bytes",
        remedy="Make one: python -c 'import base64, os; print(\"whsec_\" + base64.b64encode(os.urandom(32)).decode())'",
    )
