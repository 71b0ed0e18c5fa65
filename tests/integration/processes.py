"""Runs of the front door in processes of their own, which may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = Path(sys.executable).with_name("sievert")


@dataclass
class Runs:
    """Starts `sievert` with a home of its own.

    Attributes:
        home: Where keys, ledger and out folder lie.
        cwd: The current directory of what is started.
    """

    home: Path
    cwd: Path
    extra: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "SIEVERT_STORE__KEYS": str(self.home / "keys"),
            "SIEVERT_STORE__LEDGER": str(self.home / "ledger.sqlite"),
            "SIEVERT_COHORT__SHARD_SIZE": "4",
            **self.extra,
        }
        command = [str(COMMAND), *map(str, arguments)]
        return subprocess.Popen(command, cwd=self.cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments: object, timeout_s: float = 180) -> tuple[int, Any, str]:
        """Exit code, the object on stdout, and stderr."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=timeout_s)
        return process.returncode, json.loads(out) if out else None, err.decode()

    def kill_when(self, due: Callable[[], bool], delay_s: float, *arguments: object) -> bool:
        """Start, SIGKILL a while after a condition holds; whether it was still running."""
        process = self.start(*arguments)
        while process.poll() is None and not due():
            time.sleep(0.002)
        deadline = time.monotonic() + delay_s
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        running = process.poll() is None
        if running:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        return running
