"""A real Ray of one node with token authentication, in processes of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.services import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent
START_S, TRIES = 90.0, 2
_PORTS = (
    "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port", "dashboard-agent-grpc-port",
    "metrics-export-port", "node-manager-port", "object-manager-port",
)  # fmt: skip


@dataclass(frozen=True)
class RayHead:
    """A running head."""

    url: str
    token: str


def run_head(environment: Mapping[str, str]) -> Iterator[RayHead]:
    """Start it, wait for its dashboard, and end all of it afterwards.

    Its folder has a short name: paths of sockets may have 107 bytes.
    """
    for left in reversed(range(TRIES)):
        folder, token = tempfile.mkdtemp(prefix="sv"), secrets.token_hex(32)
        ports = {name: free_port() for name in _PORTS}
        process = _start(folder, ports, {**environment, "RAY_AUTH_TOKEN": token})
        head = RayHead(f"http://127.0.0.1:{ports['dashboard-port']}", token)
        try:
            if _answers(head, process):
                yield head
                return
        finally:
            _end(process)
            shutil.rmtree(folder, ignore_errors=True)
        assert left, "Ray did not start"


def _start(folder: str, ports: Mapping[str, int], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    bin_folder = str(Path(sys.executable).parent)
    own = {
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "80",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    }
    command = [
        f"{bin_folder}/ray", "start", "--head", "--block", "--port=0", "--num-cpus=2", "--dashboard-host=127.0.0.1",
        "--include-dashboard=true", "--object-store-memory=100000000", f"--temp-dir={folder}",
        *(f"--{name}={port}" for name, port in ports.items()),
    ]  # fmt: skip
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **own, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _answers(head: RayHead, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{head.url}/api/jobs/", headers={"Authorization": f"Bearer {head.token}"}).is_success:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM lets `ray start --block` end what it started; what is left goes with its group."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
