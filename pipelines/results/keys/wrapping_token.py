"""Wrapping keys in a PKCS#11 token, a hardware security module or SoftHSM: AES keys that never leave it.

A table's key is encrypted inside the token with AES-256-GCM (PKCS#11 3.0, 6.13), under a nonce of its own. The id of a
key is `pkcs11:TOKEN:LABEL`. Where the token's library lies differs from machine to machine, so it comes from the
environment (`SIEVERT_PKCS11_MODULE`), and so does the PIN (`SIEVERT_PKCS11_PIN`, or a file that
`SIEVERT_PKCS11_PIN_FILE` names); workers need both. A PIN that was refused is not tried again by the process: tokens
lock after a few.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING, Any

from pipelines.results.keys.keyfiles import read_secret
from sievert.errors import WrappingKeyError
from sievert.settings import (
    PKCS11_MODULE_VARIABLE,
    PKCS11_PIN_FILE_VARIABLE,
    PKCS11_PIN_VARIABLE,
    PKCS11_TOKEN_VARIABLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "pkcs11:"
_BITS, _NONCE_BYTES, _TAG_BITS = 256, 12, 128
_refused: set[bytes] = set()
_ONE_AT_A_TIME = threading.Lock()
"""A process logs in once: a token refuses a second login while a session is open."""


class TokenKey:
    """One AES key of a token."""

    def __init__(self, token: str, label: str) -> None:
        self.token, self.label = token, label

    @property
    def id(self) -> str:
        """Names it in tables."""
        return f"{PREFIX}{self.token}:{self.label}"

    def wrap(self, key: bytes) -> bytes:
        """Have a table's key encrypted.

        Raises:
            WrappingKeyError: The token or the key cannot be had.
        """
        pkcs11, nonce = _library(), token_bytes(_NONCE_BYTES)
        with _told(), _session(self.token) as session:
            parameters = pkcs11.GCMParams(nonce=nonce, aad=None, tag_bits=_TAG_BITS)
            held = _find(session, self.label)
            sealed = held.encrypt(key, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters)
        return nonce + bytes(sealed)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Have it decrypted.

        Raises:
            WrappingKeyError: The token or the key cannot be had, or the ciphertext is another key's or damaged.
        """
        pkcs11, nonce, sealed = _library(), wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        if len(sealed) < _TAG_BITS // 8:
            raise WrappingKeyError("a wrapped key is damaged: it is too short")
        with _told(), _session(self.token) as session:
            parameters = pkcs11.GCMParams(nonce=nonce, aad=None, tag_bits=_TAG_BITS)
            held = _find(session, self.label)
            return bytes(held.decrypt(sealed, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters))


class TokenKeys:
    """The wrapping keys of a token."""

    def find(self, name: str) -> TokenKey:
        """The key that an id names; whether it is there shows when it is used.

        Raises:
            WrappingKeyError: The id is none of a token.
        """
        token, _, label = name.removeprefix(PREFIX).rpartition(":")
        if not token or not label:
            raise WrappingKeyError(f"the wrapping key {name} is none of a token")
        return TokenKey(token, label)

    def renew(self, current: str | None) -> str:
        """Make a new key in the token, which cannot be taken out of it, and return its id.

        Raises:
            WrappingKeyError: No token is named, or it refuses.
        """
        pkcs11, token = _library(), os.environ.get(PKCS11_TOKEN_VARIABLE)
        if not token and current is not None and current.startswith(PREFIX):
            token = self.find(current).token
        if not token:
            raise WrappingKeyError(f"no token is named: set {PKCS11_TOKEN_VARIABLE} to its label")
        label = f"sievert-{token_hex(8)}"
        with _told(), _session(token, writes=True) as session:
            session.generate_key(
                pkcs11.KeyType.AES,
                _BITS,
                label=label,
                store=True,
                capabilities=pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT,
                template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
            )
        return TokenKey(token, label).id

    def destroy(self, name: str) -> None:
        """Have the token forget a key for ever; safe to repeat.

        Raises:
            WrappingKeyError: The token refuses.
        """
        pkcs11, key = _library(), self.find(name)
        with _told(), _session(key.token, writes=True) as session:
            for held in session.get_objects(_wanted(pkcs11, key.label)):
                held.destroy()


def _wanted(pkcs11: Any, label: str) -> dict[Any, Any]:  # noqa: ANN401 - a module
    return {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, pkcs11.Attribute.LABEL: label}


def _find(session: Any, label: str) -> Any:  # noqa: ANN401 - the library ships no types
    found = list(session.get_objects(_wanted(_library(), label)))
    if len(found) != 1:
        raise WrappingKeyError("the token has no wrapping key of that name: it was destroyed, or is in another token")
    return found[0]


@contextmanager
def _session(token: str, *, writes: bool = False) -> Iterator[Any]:
    pkcs11, module, pin = _library(), os.environ.get(PKCS11_MODULE_VARIABLE), _pin()
    if not module or not pin:
        needed = f"{PKCS11_MODULE_VARIABLE} (its library) and {PKCS11_PIN_VARIABLE} or {PKCS11_PIN_FILE_VARIABLE}"
        raise WrappingKeyError(f"a token needs {needed}")
    tried = hashlib.sha256(f"{token}\n{pin}".encode()).digest()
    if tried in _refused:
        raise WrappingKeyError("the token refused this PIN before; it is not tried again, lest the token locks")
    with _ONE_AT_A_TIME:
        try:
            opened = pkcs11.lib(module).get_token(token_label=token).open(rw=writes, user_pin=pin)
        except (pkcs11.PinIncorrect, pkcs11.PinLocked):
            _refused.add(tried)
            raise WrappingKeyError("the token refuses the PIN") from None
        with opened as session:
            yield session


def _pin() -> str | None:
    """From the environment, else from a file that nobody else may read."""
    file = os.environ.get(PKCS11_PIN_FILE_VARIABLE)
    if given := os.environ.get(PKCS11_PIN_VARIABLE):
        return given
    return read_secret(Path(file)).decode("utf-8", "replace").strip() if file else None


def _library() -> Any:  # noqa: ANN401 - it ships no types
    try:
        import pkcs11
    except ImportError:
        raise WrappingKeyError("a token needs the extra: pip install 'sievert[pkcs11]'") from None
    return pkcs11


@contextmanager
def _told() -> Iterator[None]:
    """What the token or its library says, by its kind."""
    pkcs11 = _library()
    try:
        yield
    except pkcs11.NoSuchToken:
        raise WrappingKeyError("the library knows no token of that label") from None
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise WrappingKeyError(f"the token cannot be used ({type(error).__name__})") from None
