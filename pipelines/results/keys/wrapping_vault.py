"""Wrapping keys in HashiCorp Vault, or OpenBao: versions of one key of its transit engine, over HTTP.

A table's key is sent to be encrypted, once a table; the wrapping key itself never leaves the Vault. The id of a key is
`vault:NAME:vN`. Destroying version N trims it and all before it, so the transit key must be Sievert's own. The token
comes from `VAULT_TOKEN`, else from the file `.vault-token` in the home folder, as Vault's own command has it; workers
need it too. Its policy allows `encrypt`, `decrypt`, and for rotations `keys` with `rotate`, `config` and `trim`.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from sievert.errors import WrappingKeyError

PREFIX = "vault:"
TOKEN_VARIABLE = "VAULT_TOKEN"  # noqa: S105 - a variable's name
TIMEOUT_S = 10.0
_NEAR = {"localhost", "127.0.0.1", "::1"}
_MISSING = 404


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where the key is.

    Attributes:
        address: URL of the server; https, unless it is this machine.
        mount: Path of the transit engine.
        key: Name of the transit key.
    """

    address: str
    mount: str
    key: str


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the token to whoever it names."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class VaultKey:
    """One version of the transit key."""

    def __init__(self, keys: VaultKeys, version: int) -> None:
        self._keys, self._version = keys, version

    @property
    def id(self) -> str:
        """Names it in tables."""
        return f"{PREFIX}{self._keys.place.key}:v{self._version}"

    def wrap(self, key: bytes) -> bytes:
        """Have a table's key encrypted.

        Raises:
            WrappingKeyError: Vault is away or refuses.
        """
        asked = {"plaintext": base64.b64encode(key).decode(), "key_version": self._version}
        return str(self._keys.call("encrypt", asked)["ciphertext"]).encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        """Have it decrypted.

        Raises:
            WrappingKeyError: Vault is away or refuses: the version was destroyed, or the ciphertext is damaged.
        """
        answer = self._keys.call("decrypt", {"ciphertext": wrapped.decode("ascii", "replace")})
        return base64.b64decode(answer["plaintext"])


class VaultKeys:
    """The versions of a transit key.

    Args:
        place: Where it is.

    Raises:
        WrappingKeyError: The address is no https, and not this machine.
    """

    def __init__(self, place: VaultPlace) -> None:
        self.place = place
        address = urlsplit(place.address)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _NEAR):
            raise WrappingKeyError("a Vault is asked over https only, unless it runs on this machine")

    def find(self, name: str) -> VaultKey:
        """The version that an id names; whether it is still there shows when it is used.

        Raises:
            WrappingKeyError: The id is another Vault's.
        """
        key, _, version = name.removeprefix(PREFIX).rpartition(":v")
        if key != self.place.key or not version.isdecimal():
            raise WrappingKeyError(f"the wrapping key {name} is none of the Vault that the key store knows")
        return VaultKey(self, int(version))

    def renew(self, current: str | None) -> str:
        """Rotate the transit key, or make it, and return the latest version's id.

        Raises:
            WrappingKeyError: Vault is away or refuses.
        """
        if self._read() is None:
            self._ask("POST", f"keys/{self._name}", {"type": "aes256-gcm96"})
        elif current is not None and current.startswith(PREFIX):
            self._ask("POST", f"keys/{self._name}/rotate", {})
        return VaultKey(self, int((self._read() or {})["latest_version"])).id

    def destroy(self, name: str) -> None:
        """Trim a version and all before it: Vault deletes them for ever. Safe to repeat.

        Raises:
            WrappingKeyError: Vault is away or refuses.
        """
        next_version = int(name.rpartition(":v")[2]) + 1
        there = self._read()
        if there is None or int(there.get("min_available_version", 0)) >= next_version:
            return
        if int(there["latest_version"]) < next_version:
            self._ask("POST", f"keys/{self._name}/rotate", {})  # at least one version has to stay
        least = {"min_decryption_version": next_version, "min_encryption_version": next_version}
        self._ask("POST", f"keys/{self._name}/config", least)
        self._ask("POST", f"keys/{self._name}/trim", {"min_available_version": next_version})

    def call(self, what: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Encrypt or decrypt with the transit key.

        Raises:
            WrappingKeyError: Vault is away or refuses.
        """
        answer = self._ask("POST", f"{what}/{self._name}", asked)
        if answer is None:
            raise WrappingKeyError("Vault has no transit key of that name")
        return answer

    @property
    def _name(self) -> str:
        return quote(self.place.key, safe="")

    def _read(self) -> dict[str, Any] | None:
        return self._ask("GET", f"keys/{self._name}", None)

    def _ask(self, method: str, path: str, asked: dict[str, Any] | None) -> dict[str, Any] | None:
        """The answer's data; None where there is no such thing."""
        url = f"{self.place.address}/v1/{quote(self.place.mount)}/{path}"
        content = None if asked is None else json.dumps(asked).encode()
        request = Request(url, data=content, method=method, headers={"X-Vault-Token": _token()})  # noqa: S310 - checked
        try:
            with build_opener(_NoRedirect, *self._proxies()).open(request, timeout=TIMEOUT_S) as answer:
                told = answer.read()
            return dict(json.loads(told).get("data") or {}) if told else {}
        except HTTPError as error:
            if error.code == _MISSING:
                return None
            raise WrappingKeyError(f"Vault refuses (HTTP {error.code}): {_why(error)}") from None
        except (URLError, OSError, ValueError) as error:
            raise WrappingKeyError(f"Vault cannot be asked ({type(error).__name__})") from None

    def _proxies(self) -> tuple[ProxyHandler, ...]:
        """What goes to this machine without encryption stays on it, whatever proxy the environment names."""
        return (ProxyHandler({}),) if self.place.address.startswith("http:") else ()


def _token() -> str:
    if given := os.environ.get(TOKEN_VARIABLE):
        return given
    try:
        return (Path.home() / ".vault-token").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError, RuntimeError):
        raise WrappingKeyError(f"there is no token for Vault: set {TOKEN_VARIABLE}") from None


def _why(error: HTTPError) -> str:
    """Vault's own words, in one short line."""
    try:
        told = " ".join(str(line) for line in json.loads(error.read())["errors"])
    except (OSError, ValueError, KeyError, TypeError):
        return "no reason given"
    return " ".join(told.split())[:200] or "no reason given"
