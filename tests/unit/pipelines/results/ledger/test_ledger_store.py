from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from eth.abc import AtomicDatabaseAPI
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from pipelines.results.ledger.store import Store
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute(TABLE)
        yield opened


def test_the_store_has_every_method_that_py_evm_asks_of_a_database() -> None:
    assert [name for name in AtomicDatabaseAPI.__abstractmethods__ if not callable(getattr(Store, name, None))] == []


@given(entries=st.dictionaries(st.binary(max_size=31), st.binary(max_size=200), max_size=8))
def test_the_store_gives_back_what_it_was_given(entries: dict[bytes, bytes]) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TABLE)
        store = Store(connection)
        store.update(entries)
        assert dict(store) == entries
        assert len(store) == len(entries)


def test_a_key_that_was_never_set_is_missing(connection: sqlite3.Connection) -> None:
    store = Store(connection)
    assert not store.exists(b"key")
    with pytest.raises(KeyError):
        store[b"key"]
    with pytest.raises(KeyError):
        del store[b"key"]
    store.delete(b"key")


def test_a_deleted_key_is_gone_and_a_set_one_replaced(connection: sqlite3.Connection) -> None:
    store = Store(connection)
    store.set(b"a", b"1")
    store.set(b"a", b"2")
    store.set(b"b", b"3")
    del store[b"b"]
    assert dict(store) == {b"a": b"2"}


@pytest.mark.parametrize("key", [b"lookup", keccak(b"value")], ids=["look-up", "hash"])
@pytest.mark.parametrize("kept", [b"", b"Value", b"value" * 9, 7, "text"])
def test_a_row_that_was_changed_behind_the_store_is_refused(
    connection: sqlite3.Connection, key: bytes, kept: object
) -> None:
    store = Store(connection)
    store[key] = b"value"
    assert store[key] == b"value"
    connection.execute("UPDATE entries SET value = ?", (kept,))
    with pytest.raises(LedgerError, match="damaged"):
        store[key]


def test_a_look_up_that_was_moved_to_another_key_is_refused(connection: sqlite3.Connection) -> None:
    store = Store(connection)
    store[b"block 1"] = b"hash"
    connection.execute("UPDATE entries SET key = ?", (b"block 2",))
    with pytest.raises(LedgerError, match="damaged"):
        store[b"block 2"]
