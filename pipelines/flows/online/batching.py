"""Dynamic batching: while forward passes run, what comes meanwhile is gathered for the next."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: Future[Answer] = field(default_factory=Future)


class Batcher(Generic[Item, Answer]):
    """Gathers single items into batches, on threads of its own.

    Args:
        work: Answers a batch, in its order.
        size: Items a batch at most.
        wait_s: How long a batch waits for further ones; with 0, a lone item goes at once.
        lanes: Batches that are worked on at once; what waits is shared out among those that are free.
        batches: Told the size of each batch.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        size: int,
        wait_s: float = 0,
        lanes: int = 1,
        batches: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._work, self._size, self._wait_s, self._batches = work, size, wait_s, batches
        self._queue: deque[_Waiting[Item, Answer]] = deque()
        self._changed, self._stopped, self._free = threading.Condition(), False, 0
        self._threads = [threading.Thread(target=self._run, name="batches", daemon=True) for _ in range(lanes)]
        for thread in self._threads:
            thread.start()

    def __call__(self, item: Item) -> Answer:
        """The answer to one item; raises what the work raised, and as `submit`."""
        return self.submit(item).result()

    def submit(self, item: Item) -> Future[Answer]:
        """Have one item answered; several that are submitted at once go together.

        Raises:
            RuntimeError: It was stopped.
        """
        one: _Waiting[Item, Answer] = _Waiting(item)
        with self._changed:
            if self._stopped:
                raise RuntimeError("no further items are taken")
            self._queue.append(one)
            self._changed.notify()
        return one.answer

    def stop(self) -> None:
        """Answer what waits, and take nothing further."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._work = _nothing  # it may hold whoever holds this

    def _run(self) -> None:
        while batch := self._gather():
            self._batches(len(batch))
            try:
                answers = self._work([one.item for one in batch])
            except BaseException as error:  # noqa: BLE001 - each of those who wait must be told
                for one in batch:
                    one.answer.set_exception(error)
                continue
            for one, answer in zip(batch, answers, strict=True):
                one.answer.set_result(answer)

    def _gather(self) -> list[_Waiting[Item, Answer]]:
        """The next batch; empty once stopped and all is answered."""
        with self._changed:
            self._free += 1
            self._await_items()
            share = min(self._size, -(-len(self._queue) // self._free))
            self._free -= 1
            return [self._queue.popleft() for _ in range(share)]

    def _await_items(self) -> None:
        while not self._queue and not self._stopped:
            self._changed.wait()
            if self._wait_s and self._queue and not self._stopped:
                self._changed.wait_for(lambda: len(self._queue) >= self._size or self._stopped, self._wait_s)


def _nothing(_: Sequence[object]) -> Sequence[Any]:
    return ()


class InHand:
    """Counts the images that are in hand."""

    def __init__(self) -> None:
        self.count, self._lock = 0, threading.Lock()

    @contextmanager
    def more(self, images: int = 1) -> Iterator[None]:
        """So many more, inside."""
        self._add(images)
        try:
            yield
        finally:
            self._add(-images)

    def _add(self, images: int) -> None:
        with self._lock:
            self.count += images
