"""API keys: how machines show who they are. `STATE/api-keys.json`, one JSON object.

A key reads `svt_ID_SECRET`. The secret has 256 random bits, so a salted SHA-256 keeps it: a slow hash makes guessing
dear where people choose secrets, and nobody guesses 256 bits (NIST SP 800-63B, 5.1.2.2: look-up secrets of 112 bits or
more need an approved hash only). A revoked key stays in the file and says so.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from serve.access.principal import Role
from serve.access.statefolder import Watched, changing, replace_private
from sievert.errors import AccessError, ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

API_KEYS_SCHEMA = "sievert.api-keys/1"
FILE = "api-keys.json"
PREFIX = "svt_"
_KEY = re.compile(r"svt_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
_NAME = re.compile(r"[\w.@-]+(?: [\w.@-]+)*")
_LONGEST_NAME = 64
_ID_BYTES, _SECRET_BYTES, _SALT_BYTES = 6, 32, 16
_SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key.

    Attributes:
        id: 12 hexadecimal digits.
        name: Of the machine that has it, as the audit log names it.
        roles: What it is.
        created: Seconds since 1970.
        expires: Seconds since 1970; refused from then on.
        last_4: The key's last four digits, so that people can tell which one they hold.
        salt: 16 bytes, hexadecimal.
        digest: SHA-256 of salt and secret, hexadecimal.
        revoked: Whether it is refused from now on.
    """

    id: str
    name: str
    roles: frozenset[Role]
    created: int
    expires: int
    last_4: str
    salt: str = field(repr=False)
    digest: str = field(repr=False)
    revoked: bool = False

    def holds(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return not self.revoked and now < self.expires


class ApiKeys:
    """The keys of a service, as a replica or a command sees them.

    Args:
        folder: The service's state.
        clock: Seconds since 1970.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._file = Watched(folder / FILE, _decoded, absent=dict[str, ApiKey]())

    def all(self) -> list[ApiKey]:
        """Every key, revoked ones too, the oldest first.

        Raises:
            ServeError: The file is damaged, or others may read it.
        """
        return list(self._file.value().values())

    def any_holds(self) -> bool:
        """Whether somebody has a key that is taken."""
        return any(key.holds(self._clock()) for key in self.all())

    def check(self, text: str) -> ApiKey:
        """The key that somebody gave.

        Raises:
            AccessError: It is none, or not taken any more.
            ServeError: The file is damaged.
        """
        parts = _KEY.fullmatch(text)
        key = self._file.value().get(parts[1]) if parts else None
        if parts is None or key is None or not hmac.compare_digest(key.digest, _digest(key.salt, parts[2])):
            raise AccessError("the API key is not known here")
        return self.still(key.id)

    def still(self, name: str) -> ApiKey:
        """The key of that id, if it is still taken.

        Raises:
            AccessError: It is not.
        """
        key = self._file.value().get(name)
        if key is None or not key.holds(self._clock()):
            raise AccessError("the API key was revoked or has expired")
        return key

    def add(self, name: str, roles: Iterable[Role], *, lifetime_s: int) -> tuple[ApiKey, str]:
        """Make a key; its text is nowhere but in what is returned.

        Args:
            name: Of the machine; no person's, no patient's.
            roles: At least one.
            lifetime_s: After so many seconds it is refused.

        Raises:
            ServeError: The name is none, or that of a key in use; or there is no role.
            StorageError: And its kinds.
        """
        given = frozenset(roles)
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or not given:
            raise ServeError("an API key needs a name (letters, digits, `.@-`) and a role", remedy="Name both.")
        with changing(self._folder):
            there = self._fresh()
            if any(key.name == name and key.holds(self._clock()) for key in there):
                raise ServeError(f"there is an API key `{name}`", remedy="Choose another name, or revoke that one.")
            key, text = _made(name, given, int(self._clock()), lifetime_s)
            self._write([*there, key])
        return key, text

    def revoke(self, name: str) -> ApiKey:
        """Have a key refused from now on; running replicas see it within a second.

        Args:
            name: Of the key, or its id.

        Raises:
            ServeError: There is none that is not revoked yet.
        """
        with changing(self._folder):
            there = self._fresh()
            meant = [key for key in there if name in (key.name, key.id) and not key.revoked]
            if not meant:
                raise ServeError(f"there is no API key `{name}`", remedy="See `sievert serve key list`.")
            self._write([replace(key, revoked=key.revoked or key in meant) for key in there])
        return replace(meant[-1], revoked=True)

    def _fresh(self) -> list[ApiKey]:
        """Read anew: what is changed under the lock must not be what the file said before."""
        return ApiKeys(self._folder, clock=self._clock).all()

    def _write(self, keys: list[ApiKey]) -> None:
        told = [{**asdict(key), "roles": sorted(key.roles)} for key in keys]
        replace_private(
            self._folder / FILE, json.dumps({"schema": API_KEYS_SCHEMA, "keys": told}, indent=1).encode() + b"\n"
        )


def _made(name: str, roles: frozenset[Role], now: int, lifetime_s: int) -> tuple[ApiKey, str]:
    number, secret = secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
    salt = secrets.token_hex(_SALT_BYTES)
    key = ApiKey(
        id=number,
        name=name,
        roles=roles,
        created=now,
        expires=now + lifetime_s,
        last_4=secret[-_SHOWN_DIGITS:],
        salt=salt,
        digest=_digest(salt, secret),
    )
    return key, f"{PREFIX}{number}_{secret}"


def _digest(salt: str, secret: str) -> str:
    return sha256(bytes.fromhex(salt) + bytes.fromhex(secret)).hexdigest()


def _decoded(content: bytes) -> dict[str, ApiKey]:
    told = json.loads(content)
    if told["schema"] != API_KEYS_SCHEMA:
        raise ValueError("another version")
    return {one["id"]: _one(one) for one in told["keys"]}


def _one(told: dict[str, Any]) -> ApiKey:
    bytes.fromhex(told["salt"])
    return ApiKey(**{**told, "roles": frozenset(map(Role, told["roles"]))})
