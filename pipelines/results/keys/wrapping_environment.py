"""Wrapping keys from the environment, as a container's secret gives them: `SIEVERT_WRAPPING_KEYS`.

Base64 of 32 bytes each, the current one first, older ones behind commas until a rotation has made them needless.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os

from pipelines.results.keys.wrapping_aes import WRAPPING_KEY_BYTES, AesWrappingKey
from sievert.errors import WrappingKeyError
from sievert.settings import WRAPPING_KEYS_VARIABLE

PREFIX = "environment:"
_ID_DIGITS = 16


class EnvironmentKeys:
    """Wrapping keys in a variable; read anew each time."""

    def find(self, name: str) -> AesWrappingKey:
        """The key of an id.

        Raises:
            WrappingKeyError: The variable is not set, cannot be read, or does not hold it.
        """
        for key in _read():
            if key.id == name:
                return key
        raise WrappingKeyError(f"{WRAPPING_KEYS_VARIABLE} does not hold the wrapping key {name}")

    def renew(self, current: str | None) -> str:
        """The id of the first key.

        Raises:
            WrappingKeyError: It is the current one still.
        """
        first = _read()[0].id
        if first == current:
            raise WrappingKeyError(
                "the wrapping key in the environment is still the current one",
                remedy=f"Put a new key first in {WRAPPING_KEYS_VARIABLE}, the old one behind it after a comma.",
            )
        return first

    def destroy(self, name: str) -> None:
        """Nothing: the operator takes it out of the secret that the variable comes from."""


def _read() -> list[AesWrappingKey]:
    told = [text for text in os.environ.get(WRAPPING_KEYS_VARIABLE, "").split(",") if text.strip()]
    try:
        keys = [base64.b64decode(text.strip(), validate=True) for text in told]
    except (binascii.Error, ValueError):
        keys = []
    if not keys or any(len(key) != WRAPPING_KEY_BYTES for key in keys):
        raise WrappingKeyError(f"{WRAPPING_KEYS_VARIABLE} is not set to keys of 32 bytes in base64") from None
    return [AesWrappingKey(f"{PREFIX}{_name(key)}", key) for key in keys]


def _name(key: bytes) -> str:
    """A hash of 256 random bits tells nothing of them."""
    return hashlib.sha256(b"sievert/wrapping/1" + key).hexdigest()[:_ID_DIGITS]
