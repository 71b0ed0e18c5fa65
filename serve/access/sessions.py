"""Sessions of the page: an encrypted cookie that any replica opens, and the list of those that were signed out.

::

    STATE/session.secret     32 random bytes; whoever removes the file ends every session
    STATE/signed-out.json    ids of sessions that were ended before their time

Keys are derived from the secret with HKDF (RFC 5869), one a purpose; the cookie is a Fernet token (AES-128-CBC and
HMAC-SHA256). It holds no credential: only which one it came from, so that it ends with that.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from serve.access.statefolder import Watched, changing, open_state, replace_private, shared_secret
from sievert.errors import AccessError, ServeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET, ENDED = "session.secret", "signed-out.json"
_SECRET_BYTES = 32
_LONGEST_COOKIE = 4096


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in on the page.

    Attributes:
        id: 32 hexadecimal digits.
        name: The principal's.
        roles: The principal's, where the credential is not looked up again.
        credential: What it came from: `key:ID`, `run:ID` or `oidc:DIGEST`.
        until: Seconds since 1970.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    credential: str
    until: float


class Sessions:
    """Makes, opens and ends sessions.

    Args:
        folder: The service's state.
        clock: Seconds since 1970.

    Raises:
        ServeError: The secret cannot be read, or others may read it.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        secret = shared_secret(open_state(folder) / SECRET, lambda: secrets.token_bytes(_SECRET_BYTES))
        if len(secret) != _SECRET_BYTES:
            raise ServeError(f"{SECRET} of the service is damaged", remedy="Remove it: everybody signs in anew then.")
        self._folder = folder
        self._clock = clock
        self._cookies = Fernet(base64.urlsafe_b64encode(_derived(secret, "session")))
        self._csrf_key = _derived(secret, "csrf")
        self.flows = Fernet(base64.urlsafe_b64encode(_derived(secret, "flow")))
        self._ended = Watched(folder / ENDED, _decoded, absent=dict[str, float]())

    def seal(self, session: Session) -> str:
        """The cookie's value."""
        return self._cookies.encrypt(json.dumps(asdict(session), separators=(",", ":")).encode()).decode()

    def open(self, sealed: str) -> Session:
        """What `seal` made.

        Raises:
            AccessError: It is none of ours, has expired, or was signed out.
        """
        if len(sealed) > _LONGEST_COOKIE:
            raise AccessError("the session is none of this service")
        try:
            told = json.loads(self._cookies.decrypt(sealed.encode()))
        except InvalidToken:
            raise AccessError("the session is none of this service") from None
        session = Session(**{**told, "roles": tuple(told["roles"])})
        if session.until <= self._clock() or session.id in self._ended.value():
            raise AccessError("the session is over")
        return session

    def end(self, session: Session) -> None:
        """Refuse a session from now on, in every replica: its cookie may have been copied.

        Raises:
            ServeError: The list is damaged.
            StorageError: And its kinds.
        """
        with changing(self._folder):
            ended = Watched(self._folder / ENDED, _decoded, absent=dict[str, float]()).value()
            kept = {name: until for name, until in ended.items() if until > self._clock()}
            replace_private(self._folder / ENDED, json.dumps({**kept, session.id: session.until}).encode() + b"\n")

    def csrf_token(self, session: Session) -> str:
        """What a form or script of the page sends beside the cookie, and another site cannot know."""
        return hmac.digest(self._csrf_key, session.id.encode(), "sha256").hex()


def new_session_id() -> str:
    """A fresh id: a session is never gone on with under another credential."""
    return secrets.token_hex(16)


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sievert/{purpose}/1".encode()).derive(secret)


def _decoded(content: bytes) -> dict[str, float]:
    return {str(name): float(until) for name, until in json.loads(content).items()}
