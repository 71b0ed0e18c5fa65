"""Fixtures of the ledger's tests; a plugin, since laying a chain takes a second and one is enough."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ledger_bench import Bench
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.ledger.chain import LocalChain
from pipelines.results.ledger.store import Store


@pytest.fixture(scope="session")
def laid_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file in which `word("job")` is bound to `word("root")` over 5 leaves; not to be written."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    EmbeddedLedger(path).anchor(word("job"), root=word("root"), count=5)
    return path


@pytest.fixture
def ledger_path(laid_ledger: Path, tmp_path: Path) -> Path:
    """A copy of that file, alone in its folder."""
    (tmp_path / "site").mkdir()
    return Path(shutil.copy2(laid_ledger, tmp_path / "site" / "ledger.sqlite"))


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The registry on a chain in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL)")
        yield Bench(LocalChain.create(Store(connection)))
