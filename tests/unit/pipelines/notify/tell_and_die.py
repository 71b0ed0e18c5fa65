"""Tells of jobs and dies like a killed process, each at an edge of its own; prints what was told in the end.

python tell_and_die.py FOLDER EDGE...

An edge is `before` or `after`, a step (a method of the queue, `deliver` or `log`), and which time it is taken.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.notify.queue import Queue
from pipelines.results.keystore import KeyStore
from tests.notices import Clock, Sealed, seal_job, tell

if TYPE_CHECKING:
    from pipelines.notify.notice import Notice

KILLED = 9
PROBABILITIES = [0.95, 0.1, 0.7, 0.5, 0.2, 0.99, 0.5, 0.3]


class Sheet:
    """A receiver that writes down what it hears; it outlives who told it."""

    name = "sheet"

    def __init__(self, file: Path) -> None:
        self._file = file

    def deliver(self, notice: Notice) -> None:
        with self._file.open("a") as sheet:
            sheet.write(f"{notice.id} {notice.stage}\n")

    def counts(self) -> Counter[str]:
        return Counter(self._file.read_text().splitlines()) if self._file.exists() else Counter()


def plant(edge: str) -> None:
    """Have this process die at the edge."""
    when, step, time = edge.split("-")
    owner: Any = {"deliver": Sheet, "log": KeyStore}.get(step, Queue)
    real, times = getattr(owner, step), itertools.count(1)

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the real one takes
        is_the_one = next(times) == int(time)  # several threads may come by at once
        if is_the_one and when == "before":
            os._exit(KILLED)
        answer = real(*arguments, **named)
        if is_the_one:
            os._exit(KILLED)
        return answer

    setattr(owner, step, dying)


def run(job: Sealed, sheet: Sheet) -> None:
    """Tell of what is stored, then of what is anchored, and five hours later escalate.

    Three passes, because how many batches one makes is the threads' affair: each logs at least once.
    """
    clock = Clock()
    tell(job, sheet, clock=clock)
    job.anchor()
    tell(job, sheet, clock=clock)
    clock.later(hours=5)
    tell(job, sheet, clock=clock)


def main(home: Path, *edges: str) -> dict[str, Any]:
    """How each death ended, what had been told, and what in the end."""
    told = {}
    for edge in edges:
        job, sheet = seal_job(home / edge, PROBABILITIES), Sheet(home / edge / "sheet")
        child = os.fork()
        if not child:
            plant(edge)
            run(job, sheet)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        first = sheet.counts().total()
        run(job, sheet)
        ids = {job.id_of(index): index for index in range(len(PROBABILITIES))}
        counted = {f"{ids[line.split()[0]]} {line.split()[1]}": times for line, times in sheet.counts().items()}
        told[edge] = {"code": code, "first": first, "told": counted}
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])))
