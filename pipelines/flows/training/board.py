"""How the driver hears from its workers: an actor that holds what they said until it is asked."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from models.training.settings import Epoch
from sievert.errortext import read_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sievert.errors import SievertError

POLL_S = 0.5
"""How often the driver asks."""


class Board:
    """Keeps messages in the order in which they came; lives in a Ray actor."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Any]] = []
        self._failed = False

    def put(self, kind: str, message: Any) -> None:  # noqa: ANN401 - a line, or an epoch's fields
        """Add one: `line`, `epoch` or `error`."""
        self._failed = self._failed or kind == "error"
        self._waiting.append((kind, message))

    def has_failed(self) -> bool:
        """Whether an error came: then nobody need try again."""
        return self._failed

    def take(self) -> list[tuple[str, Any]]:
        """All since the last call."""
        taken, self._waiting = self._waiting, []
        return taken


class Follower:
    """What the driver does with what it hears.

    Attributes:
        on_epoch: Called after each epoch, in order.
        says: Told what the reader should know.
        failure: What ended the training, if an error of ours did.
    """

    def __init__(self, on_epoch: Callable[[Epoch], None], says: Callable[[str], None]) -> None:
        self.on_epoch, self.says = on_epoch, says
        self.failure: SievertError | None = None

    def hears(self, messages: list[tuple[str, Any]]) -> None:
        """Pass messages on."""
        for kind, message in messages:
            if kind == "epoch":
                self.on_epoch(Epoch(**message))
            elif kind == "error":
                self.failure = read_error(message)
            else:
                self.says(message)


@contextlib.contextmanager
def open_board(follower: Follower) -> Iterator[Any]:
    """A board's actor, asked from a thread of the driver's as long as this lasts."""
    import ray

    actor = ray.remote(num_cpus=0)(Board).remote()
    done = threading.Event()

    def poll() -> None:
        while not done.wait(POLL_S):
            with contextlib.suppress(ray.exceptions.RayError):
                follower.hears(ray.get(actor.take.remote()))

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield actor
    finally:
        done.set()
        thread.join()
        with contextlib.suppress(ray.exceptions.RayError):
            follower.hears(ray.get(actor.take.remote()))
        ray.kill(actor)
