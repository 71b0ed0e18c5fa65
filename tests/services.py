"""A real `sievert serve` for tests, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

from pipelines.flows.online.rolling import Roller
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent
START_S, END_S = 120.0, 60.0


@dataclass
class Service:
    """A service of a test.

    Attributes:
        url: Where it listens.
        token: Of its run.
        home: Where keys, ledger, state and results lie.
        process: It.
        grpc_port: Where it listens for gRPC, if it does.
    """

    url: str
    token: str
    home: Path
    process: subprocess.Popen[bytes]
    grpc_port: int = 0

    @property
    def results(self) -> Path:
        return self.home / "results"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self) -> httpx.Client:
        """Signed in by its token."""
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=60)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def processes(self, *names: str) -> list[psutil.Process]:
        """Those that it has started itself, and no other service's, whose command line holds all names."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if all(name in " ".join(process.cmdline()) for name in names):
                    found.append(process)
        return found

    def exchange(self, raw: bytes, *, wait_s: float = 1) -> bytes:
        """What is answered to bytes, until the other side closes or nothing more has come for a while."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as connection, suppress(OSError):
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
            while piece := connection.recv(1 << 16):
                answer += piece
        return answer

    def settle(self) -> None:
        """End it; what it left open on a machine that is too busy for a good end, the next one would close."""
        self.stop()
        ledger = EmbeddedLedger(self.home / "ledger.sqlite")
        roller = Roller(self.results / "online", KeyStore(self.home / "keys"), lambda _: ledger)
        roller.stop()

    def stop(self) -> int:
        """Ctrl-C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(END_S)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def start_service(home: Path, *, model: str = "default", settings: Mapping[str, str] | None = None) -> Service:
    """Start it and wait until it answers."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "SIEVERT_STORE__KEYS": str(home / "keys"),
        "SIEVERT_STORE__LEDGER": str(home / "ledger.sqlite"),
        "SIEVERT_SERVE__STATE": str(home / "state"),
        "SIEVERT_SERVE__MAX_REPLICAS": "1",
        **(settings or {}),
    }
    command = [sys.executable, "-P", "-m", "sievert", "serve", model, "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--results", str(home / "results"), "--json"],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(home / "service.log").open("wb"),
    )
    assert process.stdout is not None
    told = process.stdout.readline()
    assert told, (home / "service.log").read_text("utf-8", "replace")[-2000:]
    answer = json.loads(told)
    grpc_port = int((settings or {}).get("SIEVERT_SERVE__GRPC_PORT", 0))
    return Service(answer["url"], answer["token"], home, process, grpc_port)


def serving(home: Path, *, model: str = "default", settings: Mapping[str, str] | None = None) -> Iterator[Service]:
    """For a fixture: it ends with the test."""
    service = start_service(home, model=model, settings=settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.send_signal(signal.SIGINT)
            try:
                service.process.wait(END_S)
            except subprocess.TimeoutExpired:
                service.process.kill()
