"""The outer layer of a table of data keys: AES-256-GCM under the table's own key, each row bound to table and place."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sievert.errors import KeyStoreError

_NONCE_BYTES = 12


class TableCover:
    """Covers and uncovers the rows of one table.

    Args:
        key: The table's key, 32 bytes, drawn for this one writing of it: the row's number is the nonce.
        table: What every row is bound to.
    """

    def __init__(self, key: bytes, table: list[Any]) -> None:
        self._cipher = AESGCM(key)
        self._bound = sha256(_encoded(table)).digest()

    def cover(self, content: bytes, *, number: int, row: list[Any]) -> bytes:
        """Encrypt a row's content, bound to the rest of the row."""
        return self._cipher.encrypt(_nonce(number), content, self._bound + _encoded(row))

    def uncover(self, covered: bytes, *, number: int, row: list[Any]) -> bytes:
        """Decrypt what `cover` made.

        Raises:
            KeyStoreError: The row, its place or its table is not as it was written.
        """
        try:
            return self._cipher.decrypt(_nonce(number), covered, self._bound + _encoded(row))
        except InvalidTag as error:
            raise KeyStoreError(
                "a table of data keys, or an entry of the re-identification map, was changed: not as it was written"
            ) from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _encoded(value: list[Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
