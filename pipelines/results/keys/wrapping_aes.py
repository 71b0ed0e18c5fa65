"""A wrapping key that we hold ourselves: AES key wrap (RFC 3394) under 256 bits."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from sievert.errors import WrappingKeyError

WRAPPING_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class AesWrappingKey:
    """The key and its id.

    Attributes:
        id: Names it in tables.
        key: 32 bytes.
    """

    id: str
    key: bytes = field(repr=False)

    def wrap(self, key: bytes) -> bytes:
        """Encrypt a table's key."""
        return aes_key_wrap(self.key, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt what `wrap` made.

        Raises:
            WrappingKeyError: It was wrapped under another key, or is damaged.
        """
        try:
            return aes_key_unwrap(self.key, wrapped)
        except (InvalidUnwrap, ValueError) as error:
            raise WrappingKeyError("a table's key does not open under the wrapping key that the table names") from error
