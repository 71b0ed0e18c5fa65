"""The embedded ledger: an Ethereum chain of its own in one file, nothing to install or to run.

Whoever holds the file can rewrite its chain: it proves that results and ledger belong together, and resists
others only as far as the file, or an anchor noted elsewhere, is out of their reach. `Anchor.kind` says so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipelines.results.ledger.faults import translated
from pipelines.results.ledger.registry import require_anchorable, require_word
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.results.ledger.anchor import Anchor


class EmbeddedLedger:
    """A ledger in a file; made, with its contract, by the first anchor. Methods as in `interface.Ledger`.

    It holds nothing open between calls, so it pickles and may be used by several threads and processes.

    Args:
        path: The file, on a local disk: SQLite's log needs shared memory.
        wait_s: How long `anchor` waits while other processes write.
        clock: Gives unix seconds.
    """

    def __init__(self, path: Path, *, wait_s: float = 30.0, clock: Callable[[], float] = time.time) -> None:
        self._path = path.absolute()
        self._wait_s = wait_s
        self._clock = clock

    def find(self, job: bytes) -> Anchor | None:
        """Ask the contract; see `Ledger.find`. Where there is no file, none is made."""
        require_word(job, "A job's id")
        if not self._exists():
            return None
        from pipelines.results.ledger.file import read_file
        from pipelines.results.ledger.registrar import Registrar

        return read_file(self._path, lambda store: Registrar(store).find(job))

    def anchor(self, job: bytes, *, root: bytes, count: int) -> Anchor:
        """Bind the job in a block of its own, on the disk when this returns; see `Ledger.anchor`."""
        require_anchorable(job, root=root, count=count)
        from pipelines.results.ledger.file import create_file, write_file
        from pipelines.results.ledger.registrar import Registrar, found_registry

        if not self._exists():
            create_file(self._path, lambda store: found_registry(store, now=int(self._clock())))
        return write_file(
            self._path,
            lambda store: Registrar(store).bind(job, root=root, count=count, now=int(self._clock())),
            wait_s=self._wait_s,
        )

    def check(self) -> None:
        """Hold every row, block and anchor against one another; see `Ledger.check`. Time grows with the file."""
        if not self._exists():
            raise LedgerError("There is no ledger.")
        from pipelines.results.ledger.file import read_file
        from pipelines.results.ledger.registrar import Registrar

        read_file(self._path, lambda store: Registrar(store).check())

    def _exists(self) -> bool:
        with translated(self._path):
            return self._path.exists()
