"""Signed HTTP requests by the Standard Webhooks specification (standardwebhooks.com), version 1.

`webhook-id` is the same for every attempt, so a receiver drops what it has had; `webhook-timestamp` is an attempt's, so
it refuses what is older than five minutes; `webhook-signature` is HMAC-SHA256 over id, timestamp and body.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from pipelines.notify.body import notice_body
from sievert.errors import ConfigError, DeliveryError, RefusedNoticeError

if TYPE_CHECKING:
    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.rpc.account import Secret
    from sievert.settings import WebhookSettings

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
_CLIENT, _SERVER = HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Refusals of this moment, not of the notice."""


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
        try:
            with _opener(url).open(request, timeout=settings.timeout_s):
                return
        except HTTPError as error:
            raise _refusal(error) from None
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise DeliveryError(f"the webhook's receiver cannot be reached ({_kind(error)})") from None

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        name, now = f"{notice.id}-{notice.stage.value}", datetime.now(UTC)  # the specification wants no dot
        return {
            "Content-Type": "application/json",
            "User-Agent": "sievert",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(name, now, body.decode()) for signer in self._signers),
        }


class _NoRedirect(HTTPRedirectHandler):
    """What is signed for one receiver is carried to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener(url: str) -> OpenerDirector:
    """A proxy carries what is encrypted; what goes to this machine without encryption stays on it."""
    near = (ProxyHandler({}),) if url.startswith("http:") else ()
    return build_opener(_NoRedirect, *near)


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


def _refusal(error: HTTPError) -> DeliveryError:
    with error:
        told = f"the webhook's receiver answers with HTTP {error.code}"
        if _CLIENT <= error.code < _SERVER and error.code not in _PASSING:
            return RefusedNoticeError(told)
        passing = DeliveryError(told)
        passing.asked_s = _retry_after(error.headers.get("Retry-After"))
        return passing


def _retry_after(told: str | None) -> float | None:
    """Seconds; the header holds those or a date (RFC 9110, 10.2.3)."""
    if told is None:
        return None
    if told.strip().isdecimal():
        return float(told)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    return None


def _kind(error: Exception) -> str:
    """What went wrong, by its kind: the text may hold the URL."""
    cause = error.reason if isinstance(error, URLError) else error
    return type(cause).__name__ if isinstance(cause, Exception) else type(error).__name__
