"""Shows how a job goes: a live bar on a terminal, plain lines in a log file or a pipe."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from sievert.cli import console
from sievert.records import ShardCounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress

    from pipelines.flows.watcher import Watcher

PLAIN_LINE_EVERY_S = 5.0


@contextlib.contextmanager
def open_watcher() -> Iterator[Watcher]:
    """A watcher that fits where stderr leads."""
    where = console.stderr()
    if not where.is_terminal:
        yield PlainWatcher(where)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    # the longest line of a million images fits 80 columns
    columns = (
        BarColumn(bar_width=12),
        TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("[yellow]{task.fields[flagged]} flagged[/] [red]{task.fields[quarantined]} quarantined[/]"),
    )
    with Progress(*columns, console=where, transient=True) as bar:
        yield BarWatcher(bar)


class PlainWatcher:
    """A line now and then."""

    def __init__(self, where: Console) -> None:
        self._where, self._pace, self._last_s = where, _Pace(), 0.0

    def says(self, line: str) -> None:
        """Print it."""
        self._where.print(line, markup=False)

    def planned(self, images: int, *, done: int) -> None:
        """Print what lies ahead."""
        self._pace.start(images, done)
        self.says(f"{images} images planned" + (f", {done} done before" if done else ""))

    def progressed(self, counts: ShardCounts) -> None:
        """Print a line, at most one in five seconds, and one at the end."""
        now = time.monotonic()
        if now - self._last_s < PLAIN_LINE_EVERY_S and counts.planned < self._pace.images:
            return
        self._last_s = now
        self.says(
            f"{counts.planned}/{self._pace.images} images, {self._pace.rate(counts.planned)}, "
            f"{self._pace.left(counts.planned)}, {counts.flagged} flagged, {counts.quarantined} quarantined"
        )


class BarWatcher:
    """A live bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._pace = bar, _Pace()
        self._task = bar.add_task("preparing", total=None, rate="", flagged=0, quarantined=0, visible=False)

    def says(self, line: str) -> None:
        """Print it above the bar."""
        self._bar.console.print(line, markup=False)

    def planned(self, images: int, *, done: int) -> None:
        """Set the bar up."""
        self._pace.start(images, done)
        self._bar.update(self._task, description="screening", total=images, completed=done, visible=True)

    def progressed(self, counts: ShardCounts) -> None:
        """Move it."""
        self._bar.update(
            self._task,
            completed=counts.planned,
            rate=self._pace.rate(counts.planned),
            flagged=counts.flagged,
            quarantined=counts.quarantined,
        )


class _Pace:
    """Images a second in this run, and what is left at that pace."""

    def __init__(self) -> None:
        self.images, self._done, self._start_s = 0, 0, time.monotonic()

    def start(self, images: int, done: int) -> None:
        self.images, self._done, self._start_s = images, done, time.monotonic()

    def rate(self, done: int) -> str:
        return f"{self._rate(done):.1f} images/s"

    def left(self, done: int) -> str:
        rate = self._rate(done)
        return f"{(self.images - done) / rate:.0f} s left" if rate > 0 else "time left unknown"

    def _rate(self, done: int) -> float:
        return max(done - self._done, 0) / max(time.monotonic() - self._start_s, 1e-9)
