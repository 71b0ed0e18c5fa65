"""The chain's key-value store over an open SQLite transaction.

Rows prove themselves: py-evm keeps trie nodes, code and headers under their Keccak-256 hash, which is
recomputed at every read; all other rows (look-ups, our own) carry a digest in front of their value. So a
flipped bit is found where it matters, not turned into another answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eth_utils import keccak

from sievert.errors import LedgerError

if TYPE_CHECKING:
    import sqlite3

_HASH_BYTES = 32
_DIGEST_BYTES = 16


class Store(MutableMapping[bytes, bytes]):
    """py-evm's database (`eth.abc.AtomicDatabaseAPI`) in the table `entries`.

    Args:
        connection: Inside a transaction; whoever opened it commits it or rolls it back.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getitem__(self, key: bytes) -> bytes:
        row = self._connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return _proven(key, row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        kept = value if len(key) == _HASH_BYTES else _digest(key, value) + value
        self._connection.execute("INSERT OR REPLACE INTO entries (key, value) VALUES (?, ?)", (key, kept))

    def __delitem__(self, key: bytes) -> None:
        if not self._connection.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount:
            raise KeyError(key)

    def __iter__(self) -> Iterator[bytes]:
        return (row[0] for row in self._connection.execute("SELECT key FROM entries"))

    def __len__(self) -> int:
        count: int = self._connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        return count

    def set(self, key: bytes, value: bytes) -> None:
        """As `store[key] = value`; py-evm uses both."""
        self[key] = value

    def exists(self, key: bytes) -> bool:
        """As `key in store`."""
        return key in self

    def delete(self, key: bytes) -> None:
        """Forget the key; nothing happens where it is unknown."""
        self._connection.execute("DELETE FROM entries WHERE key = ?", (key,))

    @contextmanager
    def atomic_batch(self) -> Iterator[Store]:
        """The store itself: the SQLite transaction around it is already all or nothing."""
        yield self


def _proven(key: bytes, kept: object) -> bytes:
    if not isinstance(kept, bytes):
        raise LedgerError("A row of the ledger is damaged.")
    value = kept if len(key) == _HASH_BYTES else kept[_DIGEST_BYTES:]
    whole = keccak(kept) == key if len(key) == _HASH_BYTES else kept == _digest(key, value) + value
    if not whole:
        raise LedgerError("A row of the ledger is damaged.")
    return value


def _digest(key: bytes, value: bytes) -> bytes:
    return hashlib.blake2b(len(key).to_bytes(4, "big") + key + value, digest_size=_DIGEST_BYTES).digest()
