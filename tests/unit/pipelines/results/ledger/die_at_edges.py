"""Anchors jobs and dies like a killed process, each job at an edge of its own; prints how each stood then.

python die_at_edges.py URL CONTRACT FOLDER EDGE[/NAME]...

An edge is `before` or `after` and a step: `begin`, `keep`, `send`, or entering a state of the outbox. A job whose name
is `resumed` is anchored by the parent at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger_programs import word
from rpc_bench import ROOT, RpcBench

from pipelines.results.ledger.rpc.courier import Courier
from pipelines.results.ledger.rpc.outbox import Outbox, State

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED = 9


class FarNode:
    """A node that another process has started."""

    def __init__(self, url: str) -> None:
        self.url = url


def plant(edge: str) -> None:
    """Have this process die at the edge."""
    when, step = edge.split("-")
    owner: Any = Courier if step == "send" else Outbox
    name = step if step in {"begin", "keep", "send"} else "enter"
    real: Callable[..., None] = getattr(owner, name)

    def dying(self: object, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - whatever the real one takes
        here = name != "enter" or arguments[0] == State(step)
        if here and when == "before":
            os._exit(KILLED)
        real(self, *arguments, **named)
        if here:
            os._exit(KILLED)

    setattr(owner, name, dying)


def main(url: str, contract: str, home: str, *edges: str) -> dict[str, Any]:
    """How each death ended, how far the outbox had come, and what was signed."""
    bench = RpcBench(FarNode(url), contract, Path(home))  # type: ignore[arg-type] # only its URL is used
    told = {}
    for job in edges:
        child = os.fork()
        if not child:
            plant(job.partition("/")[0])
            bench.ledger(name(job)).anchor(word(name(job)), root=ROOT, count=5)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        outbox = bench.outbox(name(job))
        state = outbox.state()
        kept = [each.hash for each in outbox.attempts()] if state != State.STORED else []
        told[job] = {"code": code, "state": state, "kept": kept, "anchored": ""}
        if job.endswith("/resumed"):
            anchor = bench.ledger(name(job)).anchor(word(name(job)), root=ROOT, count=5)
            told[job]["anchored"] = anchor.transaction
    return told


def name(job: str) -> str:
    """As a file can be called."""
    return job.replace("/", " ")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
