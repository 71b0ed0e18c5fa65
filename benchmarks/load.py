"""A client that costs little: HTTP/1.1 over kept connections, without a library: the server is timed."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Load:
    """What a load came to.

    Attributes:
        seconds: How long each request took.
        statuses: How often each status was answered; 0 where the connection broke.
        wall_s: From the first request to the last answer.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wall_s: float = 0.0

    @property
    def p50_ms(self) -> float:
        """Median."""
        return 1000 * statistics.median(self.seconds)

    @property
    def p99_ms(self) -> float:
        """The slowest of a hundred."""
        return 1000 * sorted(self.seconds)[int(0.99 * (len(self.seconds) - 1))]

    @property
    def a_second(self) -> float:
        """Requests that were answered well, a second."""
        return self.statuses.get(200, 0) / self.wall_s


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked, again and again."""

    host: str
    port: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def request(self) -> bytes:
        """The bytes of one request."""
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def load(target: Target, *, connections: int, seconds: float) -> Load:
    """Ask as fast as answers come."""
    return asyncio.run(_load(target, connections, seconds))


async def _load(target: Target, connections: int, seconds: float) -> Load:
    found, end = Load(), time.perf_counter() + seconds
    start = time.perf_counter()
    await asyncio.gather(*(_connection(target, found, end) for _ in range(connections)))
    found.wall_s = time.perf_counter() - start
    return found


async def _connection(target: Target, found: Load, end: float) -> None:
    request, stream = target.request, None
    while time.perf_counter() < end:
        began = time.perf_counter()
        try:
            if stream is None:
                stream = await asyncio.open_connection(target.host, target.port)
            status, keeps = await _ask(*stream, request)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            status, keeps = 0, False
        found.seconds.append(time.perf_counter() - began)
        found.statuses[status] = found.statuses.get(status, 0) + 1
        if not keeps and stream is not None:
            stream[1].close()
            stream = None
    if stream is not None:
        stream[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bool]:
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(length)
    return int(head.split(" ", 2)[1]), "connection: close" not in head


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])
