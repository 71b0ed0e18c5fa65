from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger
from sievert.errors import PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator


pytest_plugins = ["ledger_fixtures"]

JOB, ROOT, NOBODY = word("job"), word("root"), 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may do everything, so become somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("mode", [0o000, 0o400], ids=["unreadable", "read-only"])
def test_a_file_of_another_account_is_told_as_such(open_folder: Path, laid_ledger: Path, mode: int) -> None:
    path = open_folder / "ledger.sqlite"
    path.write_bytes(laid_ledger.read_bytes())
    path.chmod(mode)
    with unprivileged(), pytest.raises(PermissionDeniedError):
        EmbeddedLedger(path).anchor(word("new"), root=ROOT, count=1)


def test_an_unreadable_ledger_is_told_as_such_to_a_reader(open_folder: Path, laid_ledger: Path) -> None:
    path = open_folder / "ledger.sqlite"
    path.write_bytes(laid_ledger.read_bytes())
    path.chmod(0)
    with unprivileged(), pytest.raises(PermissionDeniedError):
        EmbeddedLedger(path).find(JOB)


def test_a_folder_that_may_not_be_entered_or_written_is_told_as_such(open_folder: Path) -> None:
    (open_folder / "closed").mkdir(mode=0o000)
    (open_folder / "closed").chmod(0o000)
    open_folder.chmod(0o555)
    with unprivileged():
        with pytest.raises(PermissionDeniedError):
            EmbeddedLedger(open_folder / "closed" / "ledger.sqlite").find(JOB)
        with pytest.raises(PermissionDeniedError):
            EmbeddedLedger(open_folder / "ledger.sqlite").anchor(JOB, root=ROOT, count=1)
    open_folder.chmod(0o755)


def test_a_ledger_is_read_where_nothing_may_be_written(open_folder: Path, laid_ledger: Path) -> None:
    path = open_folder / "ledger.sqlite"
    path.write_bytes(laid_ledger.read_bytes())
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with unprivileged():
        found = EmbeddedLedger(path).find(JOB)
    open_folder.chmod(0o755)
    assert found == EmbeddedLedger(laid_ledger).find(JOB)
