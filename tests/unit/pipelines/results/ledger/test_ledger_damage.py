from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger, file
from sievert.errors import LedgerError, SievertError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.results.ledger.store import Store

pytest_plugins = ["ledger_fixtures"]

JOB, ROOT = word("job"), word("root")


def put(store: Store) -> None:
    store[b"key"] = b"value"


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB)")
        connection.commit()


def later_format(path: Path) -> None:
    file.create_file(path, put)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")


NO_LEDGERS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"no ledger at all\n" * 500),
    "noise": lambda path: path.write_bytes(os.urandom(9000)),
    "folder": lambda path: path.mkdir(),
    "no chain": lambda path: file.create_file(path, put),
    "other database": foreign_database,
    "later format": later_format,
}


@pytest.mark.parametrize("make", NO_LEDGERS.values(), ids=NO_LEDGERS)
def test_a_file_that_is_no_ledger_of_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "ledger.sqlite"
    make(path)
    before = path.is_file() and path.read_bytes()
    ledger = EmbeddedLedger(path)
    with pytest.raises(LedgerError):
        ledger.check()
    with pytest.raises(LedgerError):
        ledger.find(JOB)
    with pytest.raises(LedgerError):
        ledger.anchor(JOB, root=ROOT, count=1)
    assert (path.is_file() and path.read_bytes()) == before


def test_a_cut_ledger_is_refused(ledger_path: Path) -> None:
    whole = ledger_path.read_bytes()
    for kept in (100, 4096, len(whole) // 2, len(whole) - 4096):
        ledger_path.write_bytes(whole[:kept])
        with pytest.raises(LedgerError):
            EmbeddedLedger(ledger_path).check()


def test_a_flipped_byte_never_gives_another_answer(ledger_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "_LOOK_AGAIN_S", 0.0)
    ledger, whole = EmbeddedLedger(ledger_path), ledger_path.read_bytes()
    answers = {ledger.find(JOB)}
    refused = 0
    for place in range(16, len(whole), len(whole) // 150):
        ledger_path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            answers.add(ledger.find(JOB))
        except SievertError as error:
            assert isinstance(error, LedgerError), place  # noqa: PT017 - any of our other errors is the failure
            refused += 1
    assert len(answers) == 1
    assert refused > 10
