"""Who is told how a job goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sievert.records import ShardCounts


class Watcher(Protocol):
    """Who is told how the job goes."""

    def says(self, line: str) -> None:
        """Something worth a line happened."""

    def planned(self, images: int, *, done: int) -> None:
        """So many images are planned, so many of them done in earlier runs."""

    def progressed(self, counts: ShardCounts) -> None:
        """The counts so far."""
