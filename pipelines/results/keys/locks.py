"""Locks of a key store.

Workers that commit data keys share the *state*: who the recipients are, which wrapping key is current, who was erased.
A command that changes one of them holds the state alone for that moment, so that each committed table is wholly of
before or of after. Two commands never work on the tables at once.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATE, COMMAND = "state.lock", "command.lock"


@contextmanager
def sharing_state(folder: Path) -> Iterator[None]:
    """Hold a key store's state still, together with others; for whoever commits data keys.

    On a file system without locks it holds nothing, and there `changing_state` refuses to change anything.

    Raises:
        StorageError: And its kinds: the lock's file cannot be made.
    """
    descriptor = _open(folder / STATE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except OSError:
            yield
            return
        yield
    finally:
        os.close(descriptor)


@contextmanager
def changing_state(folder: Path) -> Iterator[None]:
    """Hold a key store's state alone, waiting for those who share it.

    Raises:
        KeyStoreError: The file system knows no locks.
    """
    with _alone(folder / STATE, fcntl.LOCK_EX):
        yield


@contextmanager
def commanding(folder: Path) -> Iterator[None]:
    """Be the one command that works on a key store's tables; the system lets go of it when the process dies.

    Raises:
        KeyStoreError: Another command is at work, or the file system knows no locks.
    """
    with _alone(folder / COMMAND, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def _alone(file: Path, how: int) -> Iterator[None]:
    descriptor = _open(file)
    try:
        _take(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, how: int) -> None:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError as error:
        raise KeyStoreError(
            "another command is working on the key store", remedy="Wait for it, then run the same command again."
        ) from error
    except OSError as error:
        raise KeyStoreError(
            "the key store lies on a file system without locks",
            remedy="Move it to one that has them (a local disk, NFS 4): its keys cannot be changed safely there.",
        ) from error


def _open(file: Path) -> int:
    with disk_errors("the key store could not be written to"):
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
