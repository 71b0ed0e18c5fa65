"""What every ledger can do, the embedded one and any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipelines.results.ledger.anchor import Anchor


class Ledger(Protocol):
    """Binds jobs to roots, once each."""

    def find(self, job: bytes) -> Anchor | None:
        """Ask the registry what the job is bound to; None where it is bound to nothing. Writes nothing.

        Args:
            job: The job's id, 32 bytes.

        Raises:
            LedgerError: The ledger is damaged, foreign, or its registry is not the one shipped here.
            PermissionDeniedError: It may not be read.
        """
        ...

    def anchor(self, job: bytes, *, root: bytes, count: int) -> Anchor:
        """Bind the job to a root. Repeating it changes nothing and returns what stands already.

        Args:
            job: The job's id, 32 bytes, not all zero.
            root: The Merkle root over its leaves, 32 bytes, not all zero.
            count: How many leaves the root covers, 0 to 2^40 - 1.

        Raises:
            AnchorError: The job is bound to another root, or to another count of leaves.
            LedgerError: The ledger refuses, is damaged, foreign, or held by another process for too long.
            DiskFullError: No space is left for it.
            PermissionDeniedError: It may not be written.
        """
        ...

    def check(self) -> None:
        """Hold the whole ledger against itself and its registry against the one shipped here.

        Raises:
            LedgerError: There is no ledger, a part of it is damaged or missing, or the registry is another.
            PermissionDeniedError: It may not be read.
        """
        ...
