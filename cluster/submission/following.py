"""Handing a job over once, and staying with it to its end, through sleep, lost networks and waiting for room."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from cluster.submission.carried import NO_MODULE
from cluster.submission.nouns import Job, State
from sievert.errors import ClusterMissingError, JobLostError, JobMissingError, JobStoppedError, OtherVersionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.submission.nouns import Submission, Way

    Got = TypeVar("Got")

ROUND_S = 1.0
GRACE_S = 4.0
"""Every job waits a little."""
LONGEST_PAUSE_S = 20.0
SIGNS_A_SECOND = 50_000
"""A log is read from its beginning each time, so a long one is read less often."""
_REMEMBERED = 2000
_AGAIN = frozenset({State.FAILED, State.STOPPED})


class Teller(Protocol):
    """Where a job's words go."""

    def log(self, text: str) -> None:
        """A piece of the job's log, not always whole lines."""

    def says(self, line: str) -> None:
        """A line of ours."""


def hand_over(way: Way, submission: Submission, *, again: bool = False) -> tuple[Job, bool]:
    """Make a job of a submission, or find the one there is.

    One that waits, runs or has succeeded is joined; one that failed or was stopped gets a successor, which goes on
    where it ended.

    Args:
        way: To the cluster.
        submission: What to run.
        again: A job that has succeeded gets a successor too.

    Returns:
        The job, and whether it was there.
    """
    way.check()
    before = [job for job in way.jobs() if job.digest == submission.digest]
    last = max(before, key=lambda job: job.attempt, default=None)
    if last and last.state not in _AGAIN and not (again and last.state is State.SUCCEEDED):
        return last, True
    name = submission.name(last.attempt + 1 if last else 1)
    made = way.create(name, submission)
    return Job(name, submission.digest, submission.arguments, State.WAITING), not made


class Follower:
    """Stays with one job.

    Args:
        way: To its cluster.
        name: The job's.
        teller: Who hears its log and what is wrong.
        silent: The log is not asked for.
    """

    def __init__(self, way: Way, name: str, teller: Teller, *, silent: bool = False) -> None:
        self._way, self._name, self._teller, self._silent = way, name, teller, silent
        self._shown, self._end, self._said = 0, "", ""
        self._waiting_since_s: float | None = None

    def follow(self) -> Job:
        """Tell its log until it has ended.

        Raises:
            SubmissionError: It cannot start, it was stopped, or it ended without an exit code.
        """
        while True:
            job = self._patiently(lambda: self._way.job(self._name))
            if job.state is State.WAITING:
                self._tell_trouble()
            else:
                self._waiting_since_s = None
                if not self._silent:
                    self._tell_log()
            if job.state.ended:
                return self._ended(job)
            time.sleep(ROUND_S + min(LONGEST_PAUSE_S, self._shown / SIGNS_A_SECOND))

    def _tell_log(self) -> None:
        """From the beginning each time; what was shown is left out."""
        seen = 0
        for piece in self._way.log(self._name):
            new = piece[max(0, self._shown - seen) :]
            seen += len(piece)
            if new:
                self._shown = seen
                self._end = (self._end + new)[-_REMEMBERED:]
                self._teller.log(new)

    def _tell_trouble(self) -> None:
        """A line for each new trouble; an error where waiting is in vain or has been too long."""
        self._waiting_since_s = self._waiting_since_s or time.monotonic()
        trouble = self._patiently(lambda: self._way.trouble(self._name))
        if trouble is None:
            return
        waited_s = time.monotonic() - self._waiting_since_s
        if trouble.hopeless or waited_s > self._way.patience_s:
            raise trouble.error
        if waited_s > GRACE_S and trouble.error.message != self._said:
            self._said = trouble.error.message
            self._teller.says(f"{self._name} waits: {trouble.error.message}. {trouble.error.remedy}")

    def _patiently(self, ask: Callable[[], Got]) -> Got:
        """Again and again while nothing answers; the clock stands still while a laptop sleeps."""
        until_s, pause_s = time.monotonic() + self._way.away_s, ROUND_S
        while True:
            try:
                return ask()
            except ClusterMissingError as error:
                if time.monotonic() + pause_s > until_s:
                    raise
                if pause_s == ROUND_S:
                    self._teller.says(f"{error.message}; trying on, the job goes on there")
            except JobMissingError as error:
                raise JobStoppedError(f"{self._name} is gone: somebody stopped it") from error
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _ended(self, job: Job) -> Job:
        if job.state is State.STOPPED:
            raise JobStoppedError(f"{job.name} was stopped")
        if job.state is State.SUCCEEDED:
            return replace(job, exit_code=0)
        if NO_MODULE.search(self._end):
            raise OtherVersionError(f"the cluster has an older Sievert than this, or none ({job.name})")
        if not job.exit_code or job.exit_code < 0:
            raise JobLostError(f"{job.name} ended without an exit code: {job.message or 'nobody says why'}"[:400])
        return job
