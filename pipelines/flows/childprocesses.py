"""Does tasks in child processes: what kills or stops one costs that task and nothing else."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

Task = TypeVar("Task")
Result = TypeVar("Result")
_AHEAD = 2
"""Tasks handed over for each child: one at work, one waiting."""


class ChildProcesses(Generic[Task, Result]):
    """Children that are set up once and then do task after task.

    Args:
        work: Does a task, in a child; importable by name.
        prepare: Called once in each child, before its first task.
        arguments: For `prepare`; they travel through a pipe, never on a command line.
        children: How many.
    """

    def __init__(
        self, work: Callable[[Task], Result], *, prepare: Callable[..., None], arguments: tuple[Any, ...], children: int
    ) -> None:
        self._work, self._prepare, self._arguments, self._children = work, prepare, arguments, children

    def run(self, tasks: Iterable[Task], *, lost: Callable[[Task], Result]) -> Iterator[Result]:
        """Results as they are done, in any order.

        When a child dies, what was in hand is done again one by one; the task with which a child dies once more is
        the one at fault.

        Args:
            tasks: Taken only as they are needed.
            lost: What stands for the result of such a task.
        """
        coming, suspects = iter(tasks), deque[Task]()
        while True:
            suspects.extend((yield from self._until_broken(coming)))
            if not suspects:
                return
            while suspects:
                yield from self._alone(suspects.popleft(), lost)

    def _until_broken(self, coming: Iterator[Task]) -> Generator[Result, None, list[Task]]:
        """All tasks; returns those that were in hand when a child died, none if none did."""
        running: dict[Future[Result], Task] = {}
        with self._pool(self._children) as pool:
            for task in coming:
                try:
                    running[pool.submit(self._work, task)] = task
                except BrokenProcessPool:  # a child died since it was last looked at
                    return [*running.values(), task]
                if len(running) < self._children * _AHEAD:
                    continue
                broken = yield from _take(running)
                if broken:
                    return broken
            while running:
                broken = yield from _take(running)
                if broken:
                    return broken
        return []

    def _alone(self, task: Task, lost: Callable[[Task], Result]) -> Iterator[Result]:
        with self._pool(1) as pool:
            try:
                yield pool.submit(self._work, task).result()
            except BrokenProcessPool:
                yield lost(task)

    def _pool(self, children: int) -> ProcessPoolExecutor:
        """Started afresh and not forked: a fork would copy the parent's threads' locks."""
        return ProcessPoolExecutor(
            children,
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._prepare, self._arguments),
        )


def _begin(prepare: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Ctrl-C reaches a terminal's whole group: the parent alone acts on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare(*arguments)


def _take(running: dict[Future[Result], Task]) -> Generator[Result, None, list[Task]]:
    """What is done; returns what was in hand if a child died."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        if isinstance(future.exception(), BrokenProcessPool):
            broken = list(running.values())
            running.clear()
            return broken
        del running[future]
        yield future.result()
    return []
