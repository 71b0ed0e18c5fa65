"""The journals of shards, watched while a screening is struck: what is begun again shows there."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SHARD = 32
"""Images a shard."""


@dataclass
class Journals:
    """Which shards are begun again: an index that goes back, or a shard that turns up after it was finished.

    Attributes:
        repeated: Images that were done a second time, by shard.
    """

    folder: Path
    repeated: Counter[str] = field(default_factory=Counter)
    _last: dict[str, int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Until `stop`."""
        while not self._over.wait(0.02):
            for file in self.folder.glob("shard-*.at"):
                try:
                    index = int.from_bytes(file.read_bytes()[:8], "big")
                except OSError:
                    continue
                if index < self._last.get(file.name, 0):
                    self.repeated[file.name] += self._last[file.name] % SHARD + 1
                self._last[file.name] = index

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
