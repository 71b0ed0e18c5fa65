"""One notifier a job: a second one would tell everything twice and mix up the order."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from sievert.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_TOLD = 200


@contextmanager
def only_notifier(file: Path) -> Iterator[None]:
    """Be the one notifier of a job; the system lets go of it when the process dies.

    Raises:
        DeliveryError: Another one is at work, or the file system knows no locks.
        StorageError: And its kinds: the lock's file cannot be made.
    """
    with disk_errors("the queue of notices could not be locked"):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor)
        with disk_errors("the queue of notices could not be locked"):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _who().encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(descriptor, _MOST_TOLD, 0).decode("ascii", "replace") or "unknown"
        raise DeliveryError(
            f"another notifier is telling of this job already: {who}", remedy="Wait for it, or stop it."
        ) from None
    except OSError as error:
        raise DeliveryError(
            "the key store lies on a file system without locks, so two notifiers could not be kept apart",
            remedy="Move it to one that has them (a local disk, NFS 4).",
        ) from error


def _who() -> str:
    host = socket.gethostname().encode("ascii", "replace").decode()
    return f"process {os.getpid()} on {host}, since {datetime.now(UTC).isoformat(timespec='seconds')}"
