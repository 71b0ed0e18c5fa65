"""The chart's Redis, started as the chart starts it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.anvil import free_port
from tests.charts import INFERENCE, one, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "a pass'word $HOME"  # noqa: S105 - a test's own
_PATIENCE_S = 10


def ask(port: int, *lines: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"QUIT\r\n")
        return b"".join(iter(lambda: link.recv(4096), b"")).decode()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not there: Debian's package of that name has it")
    container = one(render(INFERENCE), "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    port = free_port()
    script = container["args"][0].replace("/data", str(tmp_path)).rstrip() + f" --port {port}\n"
    environment = {**os.environ, "REDISCLI_AUTH": PASSWORD}
    process = subprocess.Popen([*container["command"], script], env=environment, stdout=subprocess.DEVNULL)
    _await(port)
    yield port, process
    process.kill()
    process.wait()


def test_it_answers_who_knows_the_password_and_nobody_else(running: tuple[int, object]) -> None:
    port, _ = running
    assert "NOAUTH" in ask(port, "PING")
    assert "WRONGPASS" in ask(port, "AUTH wrong")
    assert "PONG" in ask(port, f'AUTH "{PASSWORD}"', "PING")


def test_every_write_is_on_disk_and_nothing_is_dropped_for_want_of_memory(running: tuple[int, object]) -> None:
    told = ask(running[0], f'AUTH "{PASSWORD}"', "CONFIG GET append*", "CONFIG GET maxmemory-policy")
    assert "appendfsync\r\n$6\r\nalways" in told
    assert "appendonly\r\n$3\r\nyes" in told
    assert "noeviction" in told


def test_the_password_is_no_argument(running: tuple[int, subprocess.Popen[bytes]]) -> None:
    told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(running[0]) in told
    assert PASSWORD not in told


def _await(port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("redis-server does not listen")
