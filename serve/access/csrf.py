"""Requests that another site has a signed-in browser make: refused, where they would change something.

Two guards stand behind the cookie's SameSite. The browser says where a request comes from (`Origin`, RFC 6454;
`Sec-Fetch-Site`, Fetch Metadata), and the page sends a token bound to the session, which no other site can read.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from sievert.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive

HEADER, FIELD = "x-csrf-token", "csrf"
_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 65_536
_PORTS = {"http": 80, "https": 443}


def check_origin(headers: Mapping[str, str], public: str | None) -> None:
    """Refuse what does not say that it comes from a page of ours.

    Args:
        headers: By name in small letters.
        public: The URL at which browsers reach us; the Host header says it where it is left out.

    Raises:
        ForbiddenError: It comes from elsewhere, or does not say.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        raise ForbiddenError("a request that changes something has to say where it comes from (Origin)")
    if site not in (None, "same-origin") or (origin is not None and not _is_ours(origin, headers, public)):
        raise ForbiddenError("the request comes from another site")


def check_token(given: str | None, expected: str) -> None:
    """Refuse what does not know the session's token.

    Raises:
        ForbiddenError: It does not.
    """
    if given is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForbiddenError(f"a request with a session needs its token in the header {HEADER} or the field {FIELD}")


async def posted_token(headers: Mapping[str, str], receive: Receive) -> tuple[str | None, Receive]:
    """The token in the header, else in a small form, whose body is then received once more."""
    if (given := headers.get(HEADER)) is not None:
        return given, receive
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return None, receive
    messages = await _form(receive)
    body = b"".join(message.get("body", b"") for message in messages)
    return _field(body), _again(messages, receive)


def _field(body: bytes) -> str | None:
    try:
        found = parse_qs(body.decode(), max_num_fields=100).get(FIELD, [])
    except ValueError:
        return None
    return found[0] if len(found) == 1 else None


async def _form(receive: Receive) -> list[Message]:
    messages: list[Message] = []
    size, more = 0, True
    while more and size <= _LARGEST_FORM:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        return next(waiting, None) or await receive()

    return replay


def _is_ours(origin: str, headers: Mapping[str, str], public: str | None) -> bool:
    """By scheme, host and port; without a public URL by host and port, because a proxy may have ended TLS."""
    if public is not None:
        return _parts(origin) == _parts(public)
    scheme, *place = _parts(origin)
    return scheme in _PORTS and place == list(_parts(f"{scheme}://{headers.get('host', '')}"))[1:]


def _parts(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", None, None
