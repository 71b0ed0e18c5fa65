"""Asks a running service how it does; the token comes from the environment, never from the command line."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sievert.errors import AccessError, ServeError
from sievert.settings import TOKEN_VARIABLE

_TIMEOUT_S = 10.0


def ask_status(url: str) -> dict[str, Any]:
    """What `GET /v1/status` says.

    Args:
        url: Where the service listens.

    Raises:
        AccessError: It wants another token.
        ServeError: It does not answer.
    """
    if not url.startswith(("http://", "https://")):
        raise ServeError("the service's address begins with http:// or https://")
    request = Request(f"{url.rstrip('/')}/v1/status")  # noqa: S310 - looked at above
    if token := os.environ.get(TOKEN_VARIABLE):
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
            told: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        if error.code in (401, 403):
            raise AccessError(
                "the service refuses to say", remedy=f"Give a token whose roles allow it in {TOKEN_VARIABLE}."
            ) from error
        raise ServeError(f"the service answers {error.code}") from error
    except (URLError, OSError, ValueError) as error:
        remedy = "Start it with `sievert serve`, or name its --url."
        raise ServeError("no service answers there", remedy=remedy) from error
    return told
