"""What the ledger's tests share: 32-byte words, and Pythons of their own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pipelines

HERE = Path(__file__).parent
REPOSITORY = Path(pipelines.__file__).parents[1]


def word(name: str) -> bytes:
    """32 bytes that stand for a job or a root."""
    return hashlib.sha256(name.encode()).digest()


def start_python(*arguments: str) -> subprocess.Popen[str]:
    """A Python of its own that imports this checkout; its output is read through pipes."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
