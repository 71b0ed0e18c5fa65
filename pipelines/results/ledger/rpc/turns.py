"""Processes on one machine that share a signer take turns: two transactions of one number would replace each other."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from sievert.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.results.ledger.rpc.terms import Deadline


@contextmanager
def own_turn(folder: Path, address: str, deadline: Deadline) -> Iterator[None]:
    """Hold the signer's lock; the system lets go of it when the process dies.

    Args:
        folder: Where locks lie; made where it is not there.
        address: The signer's.
        deadline: How long other processes are waited for.

    Raises:
        LedgerUnavailableError: They hold it for longer.
        StorageError: And its kinds: the lock cannot be made.
    """
    with disk_errors("the signer's lock could not be made"):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / f"{address}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _taken(descriptor):
            _wait(deadline)
        yield
    finally:
        os.close(descriptor)


def _wait(deadline: Deadline) -> None:
    try:
        deadline.pause()
    except LedgerUnavailableError as late:
        raise LedgerUnavailableError("another process is sending with the same signer for too long") from late


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: a lost race for a number is recovered
    return True
