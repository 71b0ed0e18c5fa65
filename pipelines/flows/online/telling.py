"""Tells of online results whom the settings name, once their job is closed; runs in the process that closes jobs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.flows.online.repeating import Repeating
from pipelines.flows.online.troubles import TELLING, Troubles
from pipelines.notify.notifier import open_notifier
from pipelines.notify.queuefile import queue_place
from pipelines.results.disk import disk_errors
from pipelines.results.outfolder import OutFolder, read_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipelines.notify.route import Route
    from pipelines.results.keystore import KeyStore
    from sievert.settings import NotifySettings

_WAIT_S = 5.0
_SINCE = "told-since.txt"


class OnlineTeller:
    """Runs the notifier of each closed job until nothing waits and nobody has to be asked again.

    Jobs that were opened while the settings named nobody are not told of: `sievert notify send` tells of them.

    Args:
        results: Folder of the rolling jobs.
        keys: The key store that opens them.
        settings: Who is told of what, and when.
        routes: The channels.
    """

    def __init__(self, results: Path, keys: KeyStore, settings: NotifySettings, routes: Sequence[Route]) -> None:
        self._results, self._keys, self._settings, self._routes = results, keys, settings, routes
        self._troubles, self._over = Troubles(results, TELLING), set[str]()
        self._since = _begin(results / _SINCE)
        self._passes = Repeating(self.run_once, name="telling")

    @property
    def problem(self) -> str:
        """What went wrong last; empty where all is well."""
        return self._troubles.last

    def start(self) -> None:
        """Run a pass every two seconds, on a thread of its own."""
        self._passes.start()

    def stop(self) -> None:
        """End with a last pass; what waits then, the next service tells."""
        self._passes.stop()
        self.run_once()

    def run_once(self) -> int:
        """One pass; returns how many notices arrived. Never raises: the service goes on answering."""
        with self._troubles.one_pass():
            return sum(self._tell(out) for out in self._untold())

    def _untold(self) -> Iterator[OutFolder]:
        """Closed jobs of which there may be something to tell; what is over is not looked at again: there are many."""
        for folder in sorted(self._results.glob("*/")):
            out = OutFolder(folder)
            if folder.name not in self._over and out.closed.exists() and out.files.exists():
                yield out

    def _tell(self, out: OutFolder) -> int:
        with self._troubles.alone("telling of a rolling job"):
            header = read_job(out)
            mark = queue_place(self._keys.folder, header.job).with_suffix(".over")
            if header.created < self._since or mark.exists():
                self._over.add(out.path.name)
                return 0
            return self._notify(out, mark)
        return 0

    def _notify(self, out: OutFolder, mark: Path) -> int:
        with open_notifier(out, self._keys, settings=self._settings, routes=self._routes) as notifier:
            told = notifier.run_once(wait_s=_WAIT_S)
        if told.is_over:
            with disk_errors("it could not be noted that everybody was told"):
                mark.touch(mode=0o600)
        return told.sent


def tell_nobody(results: Path) -> None:
    """Note that the settings name nobody: jobs of this time are not told of later."""
    with suppress(OSError):
        (results / _SINCE).unlink(missing_ok=True)


def _begin(file: Path) -> str:
    """Since when somebody is told, as jobs tell their time; noted at the first service that tells."""
    with disk_errors("it could not be noted since when results are told"):
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(datetime.now(UTC).isoformat(timespec="microseconds"), "utf-8")
        return file.read_text("utf-8")
