"""The journal: a JSON object a line for each request, without anything that tells of whom; see docs/operations.md.

A request puts its line into a queue; a thread writes. A disk that hangs costs lines, never requests: the next line that
is written says how many were lost. Files are rotated, and are the account's alone.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
from datetime import UTC, datetime
from itertools import count
from logging.handlers import QueueListener, RotatingFileHandler
from queue import Full, Queue
from typing import TYPE_CHECKING, Any

from pipelines.results.disk import disk_errors

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path

    from sievert.settings import TelemetrySettings

FOLDER = "logs"
_WAITING = 10_000


class Journal:
    """One process's lines.

    Args:
        handler: Writes them; None writes nothing.
        waiting: Lines that may wait for it.
    """

    def __init__(self, handler: logging.Handler | None, *, waiting: int = _WAITING) -> None:
        self._queue = Queue[Any](waiting)
        self._lost = 0
        self._listener: _Listener | None = None
        if handler is not None:
            handler.setFormatter(_Line())
            self._listener = _Listener(self._queue, handler)
            self._listener.start()

    def write(self, event: str, **about: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
        """Have a line written; never waits, never raises.

        Args:
            event: What happened.
            about: Nothing that names a patient or a record.
        """
        if self._listener is None:
            return
        lost = {"lost": self._lost} if self._lost else {}
        try:
            self._queue.put_nowait(logging.makeLogRecord({"about": {"event": event, **about, **lost}}))
            self._lost -= lost.get("lost", 0)
        except Full:
            self._lost += 1

    def stop(self) -> None:
        """Write what waits. Safe to repeat."""
        if self._listener is not None:
            self._listener.stop()
            self._listener.handlers[0].close()
            self._listener = None


def open_journal(settings: TelemetrySettings, state: Path, app: str) -> Journal:
    """The journal of a process, as the settings want it.

    Args:
        settings: To a file, to stderr, or off.
        state: The service's state folder; files lie in its `logs`.
        app: What the process answers for.

    Raises:
        StorageError: And its kinds.
    """
    if settings.log == "off":
        return Journal(None)
    if settings.log == "stderr":
        return Journal(logging.StreamHandler(sys.stderr))
    with disk_errors("the journal cannot be written"):
        return Journal(_Rotated(_place(state / FOLDER, app), settings))


class _Listener(QueueListener):
    def enqueue_sentinel(self) -> None:
        """Behind whatever waits, also where the queue is full."""
        self.queue.put(self._sentinel)  # type: ignore[attr-defined]  # of the base class


class _Rotated(RotatingFileHandler):
    """For the account alone."""

    def __init__(self, file: Path, settings: TelemetrySettings) -> None:
        kept = max(0, settings.log_files - 1)
        super().__init__(file, maxBytes=settings.log_bytes, backupCount=kept, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """A full disk is told by the metrics; a traceback on stderr for each request would help nobody."""


def _place(folder: Path, app: str) -> Path:
    """`APP-0.jsonl`, or the next that no process writes to: as many files as there were processes at once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in count():
        lock = os.open(folder / f".{app}-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held until the process ends
        except BlockingIOError:
            os.close(lock)
        else:
            break
    return folder / f"{app}-{number}.jsonl"


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": when, **record.about}, separators=(",", ":"))  # type: ignore[attr-defined]  # ours
