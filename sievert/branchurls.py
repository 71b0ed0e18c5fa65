"""Kinds of values that several branches of notification have in common."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

UrgencyName = Literal["routine", "urgent", "asap", "stat"]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that may be spoken to without TLS: this machine."""


def from_json(value: Any) -> Any:  # noqa: ANN401 - whatever a layer of settings holds
    """A list or table from the environment is JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("in the environment, it is written as JSON") from None


def _is_near_or_safe(url: SecretStr) -> SecretStr:
    """The message names no part of a URL: one may hold a token."""
    try:
        parts = urlsplit(url.get_secret_value())
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise ValueError("it is no URL") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        raise ValueError("it begins with https://, or leads to this machine over http://")
    return url


SafeUrl = Annotated[SecretStr, AfterValidator(_is_near_or_safe)]
"""A URL that is reached over TLS, or on this machine; shown nowhere."""
