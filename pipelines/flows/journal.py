"""Remembers which input a worker was at, so that one which kills its worker is found by the next attempt."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_INDEX_BYTES, _BYTES = 8, 9
_MOST = 255


class ShardJournal:
    """The index of the input that a shard's attempt is at, in a file that outlives the process.

    Args:
        folder: Of journals.
        shard: The shard's number.

    Attributes:
        suspect: The index at which an earlier attempt ended, if one did.
        deaths: How many attempts in a row ended there.
    """

    def __init__(self, folder: Path, shard: int) -> None:
        self._file = folder / f"shard-{shard:05d}.at"
        self._descriptor = -1
        self.suspect, self.deaths = self._read()

    def _read(self) -> tuple[int | None, int]:
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return None, 0
        return (int.from_bytes(content[:_INDEX_BYTES], "big"), content[-1]) if len(content) == _BYTES else (None, 0)

    def at(self, index: int) -> None:
        """Note the input that is tried next. Not synced: it need survive the process only, not the machine."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        tries = min(self.deaths + 1, _MOST) if index == self.suspect else 1
        os.pwrite(self._descriptor, index.to_bytes(_INDEX_BYTES, "big") + bytes([tries]), 0)

    def close(self, *, finished: bool) -> None:
        """Let go of the file; where the shard is finished, remove it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if finished:
            self._file.unlink(missing_ok=True)
