"""`outbox.sqlite`: how far a job's anchor has come. What was signed is kept before it is sent.

One row for the job, one for each signed transaction; SQLite with a write-ahead log and synchronous=FULL, so each
change is on the disk, whole, before the next thing happens.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pipelines.results.ledger.faults import translated
from pipelines.results.ledger.rpc.courier import Attempt
from pipelines.results.ledger.rpc.fees import Fees
from sievert.errors import AnchorError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
  one INTEGER PRIMARY KEY CHECK (one = 1), job BLOB NOT NULL, root BLOB NOT NULL, leaves INTEGER NOT NULL,
  chain_id INTEGER NOT NULL, contract TEXT NOT NULL, state TEXT NOT NULL, block INTEGER, block_hash TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS attempt (
  number INTEGER PRIMARY KEY, sender TEXT NOT NULL, nonce INTEGER NOT NULL, gas INTEGER NOT NULL,
  most TEXT NOT NULL, priority TEXT NOT NULL, raw BLOB NOT NULL, hash TEXT NOT NULL
) STRICT;
"""


class State(StrEnum):
    """How far an anchor has come; a job that has no outbox is `stored`."""

    STORED = "stored"
    ROOTED = "rooted"
    SIGNED = "signed"
    SENT = "sent"
    INCLUDED = "included"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be anchored, and where: job and root (32 bytes each), leaves, chain and contract."""

    job: bytes
    root: bytes
    count: int
    chain_id: int
    contract: str


class Outbox:
    """The outbox of one job.

    Args:
        path: The file, on a local disk; made by `begin`.

    Every method raises LedgerError where the file is damaged, and StorageError and its kinds where the disk fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, order: Order) -> None:
        """Write the order down; one that stands already stays.

        Raises:
            AnchorError: It is of another job or root.
            LedgerError: It went to another ledger, and was signed there.
        """
        with self._open() as rows:
            standing = _read_order(rows)
            if standing != order:
                _require_replaceable(rows, standing, order)
                rows.execute(
                    "INSERT OR REPLACE INTO job VALUES (1, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                    (order.job, order.root, order.count, order.chain_id, order.contract, State.ROOTED),
                )

    def state(self) -> State:
        """How far it has come."""
        if not self._path.exists():
            return State.STORED
        with self._open() as rows:
            found = rows.execute("SELECT state FROM job").fetchone()
            return State(found[0]) if found else State.STORED

    def keep(self, attempt: Attempt) -> None:
        """Keep a signed transaction, before it is sent."""
        fees = attempt.fees
        with self._open() as rows:
            rows.execute("BEGIN IMMEDIATE")
            rows.execute(
                "INSERT INTO attempt (sender, nonce, gas, most, priority, raw, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    attempt.sender,
                    attempt.nonce,
                    attempt.gas,
                    str(fees.most),
                    str(fees.priority),
                    attempt.raw,
                    attempt.hash,
                ),
            )
            rows.execute("UPDATE job SET state = ?", (State.SIGNED,))
            rows.execute("COMMIT")

    def attempts(self) -> list[Attempt]:
        """All that was signed, newest first."""
        with self._open() as rows:
            found = rows.execute(
                "SELECT sender, nonce, gas, most, priority, raw, hash FROM attempt ORDER BY number DESC"
            ).fetchall()
        return [
            Attempt(sender, nonce, gas, Fees(int(most), int(priority)), raw, signed)
            for sender, nonce, gas, most, priority, raw, signed in found
        ]

    def enter(self, state: State, *, block: int | None = None, block_hash: str | None = None) -> None:
        """Write down how far it has come, and in which block it stands."""
        with self._open() as rows:
            rows.execute("UPDATE job SET state = ?, block = ?, block_hash = ?", (state, block, block_hash))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with _told(self._path), closing(sqlite3.connect(self._path, isolation_level=None)) as rows:
            rows.execute("PRAGMA journal_mode = WAL")
            rows.execute("PRAGMA synchronous = FULL")
            rows.executescript(_SCHEMA)
            yield rows


def _read_order(rows: sqlite3.Connection) -> Order | None:
    found = rows.execute("SELECT job, root, leaves, chain_id, contract FROM job").fetchone()
    return Order(*found) if found else None


def _require_replaceable(rows: sqlite3.Connection, standing: Order | None, order: Order) -> None:
    if standing is None:
        return
    if (standing.job, standing.root, standing.count) != (order.job, order.root, order.count):
        raise AnchorError("the outbox holds another root than these results have")
    if rows.execute("SELECT 1 FROM attempt").fetchone():
        raise LedgerError(
            f"the job's anchor is on its way to {standing.contract} on chain {standing.chain_id} already",
            remedy="Set the ledger.* settings to that ledger: one job is anchored on one.",
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        with translated(path):
            yield
    except (ValueError, TypeError) as fault:
        raise LedgerError("the outbox is damaged", remedy=_REMEDY) from fault
    except LedgerError as fault:
        if isinstance(fault.__cause__, sqlite3.Error | UnicodeDecodeError):
            raise LedgerError("the outbox is damaged, or held by another process", remedy=_REMEDY) from fault
        raise


_REMEDY = "Move outbox.sqlite away and run `sievert anchor DIR`: the contract is asked first, and takes a job once."
