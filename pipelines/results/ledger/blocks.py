"""Blocks and transactions of a local chain, as the registry needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction of a block.

    Attributes:
        hash: 32 bytes.
        to: The contract that it calls or, just mined, has created; 20 bytes.
        data: Its call data.
        signed: As py-evm holds it.
    """

    hash: bytes
    to: bytes
    data: bytes
    signed: Any = field(repr=False, compare=False)

    @property
    def sender(self) -> bytes:
        """Who signed it, 20 bytes; recovered from the signature, which takes milliseconds."""
        account: bytes = self.signed.sender
        return account


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the canonical chain: number, time (unix s) and transactions in their order."""

    number: int
    time: int
    transactions: tuple[Transaction, ...]
