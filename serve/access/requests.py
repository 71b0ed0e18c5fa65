"""What a request must look like before anybody is asked who sent it.

Two readers of one request (a proxy and we) must not read two requests: what can be understood in two ways is refused
(RFC 9112, 6.1 and 11.2). Bodies come as they are: one that is compressed could grow to any size.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import cookie_parser

from serve.access.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Scope

_ONCE = frozenset(
    {
        "authorization",
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "origin",
        "sec-fetch-site",
        "x-csrf-token",
    }
)
_LARGEST_LENGTH_DIGITS = 18
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""They change nothing (RFC 9110, 9.2.1)."""


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str] | Problem:
    """The headers by name in small letters, or what is wrong with them.

    One that may come several times is joined with commas, a cookie with semicolons (RFC 9110, 5.2; RFC 9113, 8.2.3).
    """
    found: dict[str, str] = {}
    for name_, value_ in raw:
        name, value = name_.decode("latin-1").lower(), value_.decode("latin-1")
        if name not in found:
            found[name] = value
        elif name in _ONCE:
            return Problem(HTTPStatus.BAD_REQUEST, f"the header {name} stands there twice")
        else:
            found[name] += ("; " if name == "cookie" else ", ") + value
    return found


def check_request(headers: Mapping[str, str], path: str, *, most_bytes: int) -> Problem | None:
    """What is wrong with a request, by its path and headers.

    Args:
        headers: By name in small letters.
        path: Decoded.
        most_bytes: That its body may have.
    """
    if "\\" in path or not path.isprintable() or ".." in path.split("/"):
        return Problem(HTTPStatus.BAD_REQUEST, "the path leads out of its place")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        detail = "a body is sent as it is, not compressed"
        return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, (("Accept-Encoding", "identity"),))
    return _check_length(headers, most_bytes)


def too_large(most_bytes: int) -> Problem:
    """A body has more bytes than it may."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body here has at most {most_bytes} bytes")


def cookies_in(headers: Mapping[str, str]) -> dict[str, str]:
    """The cookies by name."""
    told = headers.get("cookie")
    return cookie_parser(told) if told else {}


def path_of(scope: Scope) -> str:
    """The path as routes see it: without the prefix that the service hangs under."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def address_of(scope: Scope) -> str:
    """The address of who is connected, a proxy perhaps."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _check_length(headers: Mapping[str, str], most_bytes: int) -> Problem | None:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and coding is not None:
        return Problem(HTTPStatus.BAD_REQUEST, "a length and a transfer coding contradict each other")
    if coding is not None and coding.strip().lower() != "chunked":
        return Problem(HTTPStatus.BAD_REQUEST, "the transfer coding is not chunked")
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()) or len(length) > _LARGEST_LENGTH_DIGITS:
        return Problem(HTTPStatus.BAD_REQUEST, "the length of the body is no number")
    return too_large(most_bytes) if int(length) > most_bytes else None
