"""Fixtures of the ledger's tests; a plugin, since laying a chain takes a second and one is enough."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger


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
