"""What is handed over, what becomes of it, and what a way to a cluster must be able to do."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from sievert.errors import ConfigError, JobNameError, SievertError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMANDS = frozenset(
    "screen train tune compare pretrain evaluate convert deidentify duplicates verify anchor report".split()
)
"""Commands that make sense away from a terminal."""
LONGEST_NAME = 24
"""With the digest and the number of the attempt it fits the 47 characters that KubeRay takes."""
_DIGEST_SIGNS = 12
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


class State(StrEnum):
    """How a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def ended(self) -> bool:
        """Whether it changes no more."""
        return self in {State.SUCCEEDED, State.FAILED, State.STOPPED}


@dataclass(frozen=True, slots=True)
class Submission:
    """A command line to run on a cluster.

    Attributes:
        arguments: What stands behind `sievert`.
        label: How names of its jobs begin.
    """

    arguments: tuple[str, ...]
    label: str

    @property
    def digest(self) -> str:
        """The same for the same command and out folder, however the latter is written."""
        return hashlib.sha256(json.dumps(list(_plain(self.arguments))).encode()).hexdigest()[:_DIGEST_SIGNS]

    def name(self, attempt: int) -> str:
        """Of its n-th job."""
        return f"{self.label}-{self.digest}-{attempt}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job on a cluster.

    Attributes:
        name: Unique there.
        digest: Of its submission; empty where it is none of ours.
        command: Its command line.
        state: How it stands.
        exit_code: Of its driver, once that has ended.
        message: What the cluster says of it, in one line.
        began: When it was made, ISO 8601, or empty.
    """

    name: str
    digest: str
    command: tuple[str, ...]
    state: State
    exit_code: int | None = None
    message: str = ""
    began: str = ""

    @property
    def attempt(self) -> int:
        """The number at the end of its name."""
        number = self.name.rpartition("-")[2]
        return int(number) if number.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a job does not start.

    Attributes:
        error: What to say, and to raise in the end.
        hopeless: Waiting changes nothing.
    """

    error: SievertError
    hopeless: bool


class Way(Protocol):
    """A way to a cluster; all of it raises errors of ours, within ten seconds."""

    patience_s: float
    away_s: float

    def check(self) -> None:
        """Whether a cluster answers that takes this version's jobs."""

    def create(self, name: str, submission: Submission) -> bool:
        """Make a job; False: one of this name was there."""

    def jobs(self) -> list[Job]:
        """Those that Sievert made, oldest first."""

    def job(self, name: str) -> Job:
        """One, as it stands now."""

    def log(self, name: str) -> Iterator[str]:
        """Its log from the beginning, in pieces, for as long as the connection lasts."""

    def stop(self, name: str) -> None:
        """Ask it to end now; what it stored stays."""

    def trouble(self, name: str) -> Trouble | None:
        """Why it does not start, if that can be seen."""


def make_submission(arguments: Sequence[str], label: str | None = None) -> Submission:
    """Check a command line before it travels.

    Args:
        arguments: The command and its own arguments.
        label: How its jobs' names begin; the command's name where it is left out.

    Raises:
        ConfigError: It is no command that can run on a cluster.
        JobNameError: No job can be called so.
    """
    if not arguments or arguments[0] not in COMMANDS:
        raise ConfigError(
            f"`{arguments[0] if arguments else ''}` is no command that runs on a cluster",
            remedy=f"After `--` comes one of: {', '.join(sorted(COMMANDS))}.",
        )
    label = arguments[0] if label is None else label
    if len(label) > LONGEST_NAME or not _NAME.fullmatch(label):
        raise JobNameError(f"a job's name cannot begin with `{label[:60]}`")
    return Submission(tuple(arguments), label)


def _plain(arguments: Sequence[str]) -> Iterator[str]:
    """`--out=DIR/` and `--out DIR` are one."""
    follows = False
    for word in arguments:
        name, sign, value = word.partition("=")
        if name == "--out" and sign:
            yield from ("--out", value.rstrip("/"))
        else:
            yield word.rstrip("/") if follows else word
        follows = word == "--out"
