"""Tries one input in a process of its own, where a decoder's native code may die without harm."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipelines.admit.admission import admit
from pipelines.admit.reading import read_source
from pipelines.admit.scope import Scope
from sievert.records import PlannedInput, Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

_START_S = 30.0
"""What an interpreter and its libraries may take to be there, at most."""
# -P: the current directory, where a user may have modules of our names, stays off the import path
_COMMAND = (sys.executable, "-P", "-c", "from pipelines.admit.isolation import try_from_stdin; try_from_stdin()")


def survives(
    planned: PlannedInput,
    *,
    scope: Scope,
    policy: AdmitSettings,
    command: Sequence[str] = _COMMAND,
    timeout_s: float | None = None,
) -> bool:
    """Whether admission of an input comes to an end, well or badly, without taking its process along.

    Args:
        planned: The input.
        scope: Of the model package.
        policy: The compliance policy; its `timeout_s` holds, beside the time to start.
        command: What is run.
        timeout_s: Instead of that.

    The input's path is handed over on standard input: argument lists are open to every user of a machine.
    """
    limit_s = policy.timeout_s + _START_S if timeout_s is None else timeout_s
    task = json.dumps({"planned": asdict(planned), "scope": asdict(scope), "policy": policy.model_dump()})
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, input=task.encode(), capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def try_from_stdin() -> None:
    """The other side of `survives`."""
    task = json.load(sys.stdin)
    scope, policy = Scope(**task["scope"]), AdmitSettings(**task["policy"])
    planned = PlannedInput(**task["planned"])
    content = read_source(planned.source, max_bytes=policy.max_file_bytes)
    if not isinstance(content, Refusal):
        admit(content, planned, scope=scope, policy=policy)
