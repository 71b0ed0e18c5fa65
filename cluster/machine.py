"""What this machine has: cores, memory, GPUs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

import psutil


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory_gib() -> float:
    """Memory of the machine."""
    return float(psutil.virtual_memory().total) / 2**30


def list_gpus() -> list[str]:
    """Names of NVIDIA GPUs, as the driver's own tool tells them; none where it is not installed."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        told = subprocess.run(  # noqa: S603 - found on PATH, no input of a user
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]


def describe_system() -> str:
    """Operating system, processor and Python."""
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
