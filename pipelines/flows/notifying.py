"""Tells during a screening: each shard as it is stored, and the anchor's state at the end.

It costs no result: who is away is told later, by `sievert notify send`, and what goes wrong is said in one line.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sievert.errors import SievertError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelines.flows.watcher import Watcher
    from pipelines.notify.notifier import Notifier, Told
    from pipelines.notify.route import Route
    from pipelines.results.outfolder import OutFolder
    from sievert.settings import NotifySettings, Settings

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Notices:
    """How telling stands at the end of a run.

    Attributes:
        sent: Deliveries that arrived.
        waiting: Deliveries that will be tried again, or wait for quiet hours to end.
        dead: Deliveries that were refused.
        unanswered: Notices that will be escalated unless somebody acknowledges them.
    """

    sent: int
    waiting: int
    dead: int
    unanswered: int


def find_routes(settings: NotifySettings) -> list[Route]:
    """The channels that are configured, perhaps none; their secrets are taken out of the environment.

    Raises:
        ConfigError: A secret is missing.
    """
    from pipelines.notify.channels import is_configured, open_channels

    return open_channels(settings) if is_configured(settings) else []


@contextmanager
def telling(
    out: OutFolder,
    routes: Sequence[Route],
    *,
    settings: Settings,
    watcher: Watcher,
    passphrase: Callable[[], bytes | None],
) -> Iterator[Teller | None]:
    """Tell while a screening runs; None where nobody is to be told, or it is not possible, which is said.

    Args:
        out: The job; its plan is frozen.
        routes: The channels.
        settings: The tree.
        watcher: Who is told of what goes wrong.
        passphrase: Of the private key.
    """
    with ExitStack() as held:
        teller = None
        if routes:
            try:
                notifier = held.enter_context(_opened(out, routes, settings, passphrase))
                teller = Teller(notifier, out, closing_s=settings.notify.closing_s, watcher=watcher)
                held.callback(teller.stop)
            except SievertError as error:
                watcher.says(f"nobody is told of results now: {error.message}; later: sievert notify send {out.path}")
        yield teller


def _opened(
    out: OutFolder, routes: Sequence[Route], settings: Settings, passphrase: Callable[[], bytes | None]
) -> AbstractContextManager[Notifier]:
    from pipelines.notify.notifier import open_notifier
    from pipelines.results.keystore import KeyStore

    keys = KeyStore(settings.store.keys.absolute(), passphrase=passphrase, actor=settings.audit.actor)
    return open_notifier(out, keys, settings=settings.notify, routes=routes)


class Teller:
    """Runs a notifier beside a screening.

    Args:
        notifier: Of the job.
        out: The job.
        closing_s: How long is told at the end, in seconds.
        watcher: Who is told of what goes wrong.
    """

    def __init__(self, notifier: Notifier, out: OutFolder, *, closing_s: float, watcher: Watcher) -> None:
        self._notifier, self._out, self._closing_s, self._watcher = notifier, out, closing_s, watcher
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
        self._thread.start()

    def finish(self) -> Notices | None:
        """Tell what is left, for a bounded time, and say what waits; None where telling has failed."""
        self._done.set()
        self._thread.join(self._closing_s + _EVERY_S)
        told = self._pass(self._closing_s) if not self._thread.is_alive() else None
        if told is None:
            return None
        there = told.standing
        if there.waiting or there.dead or told.unanswered:
            self._watcher.says(
                f"{there.waiting} notice(s) wait, {there.dead} were refused, {told.unanswered} are not acknowledged: "
                f"sievert notify send {self._out.path}"
            )
        return Notices(there.sent, there.waiting, there.dead, told.unanswered)

    def stop(self) -> None:
        """Stop telling; safe to repeat."""
        self._done.set()
        self._notifier.stop()
        self._thread.join(_EVERY_S)

    def _work(self) -> None:
        while not self._done.is_set() and self._pass(_EVERY_S) is not None:
            self._done.wait(_EVERY_S)

    def _pass(self, wait_s: float) -> Told | None:
        """None where it failed, which is said; an error that is none of ours is named by its kind only."""
        try:
            return self._notifier.run_once(wait_s=wait_s)
        except SievertError as error:
            problem = error.message
        except Exception as error:  # noqa: BLE001 - telling must cost no result
            problem = f"something unforeseen ({type(error).__name__})"
        self._watcher.says(f"telling has stopped: {problem}; later: sievert notify send {self._out.path}")
        return None
