"""The key that signs a local chain's transactions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """A secp256k1 key; neither repr nor logs show it.

    Attributes:
        secret: 32 bytes.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def random(cls) -> Signer:
        """A new key from the system's randomness."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        from eth_keys.datatypes import PrivateKey

        account: bytes = PrivateKey(self.secret).public_key.to_canonical_address()
        return account

    def sign(self, transaction: Any) -> Any:  # noqa: ANN401 - py-evm ships no types
        """The transaction of py-evm, signed."""
        from eth_keys.datatypes import PrivateKey

        return transaction.as_signed_transaction(PrivateKey(self.secret))
