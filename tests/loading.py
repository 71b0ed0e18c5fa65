"""Studies sent without a pause over connections that are kept: what was answered to each."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from tests.services import Service

PATHS = ("/v1/studies", "/v2/models/default/studies")
_AGAIN_S = 0.05


@dataclass
class Answers:
    """What a load was answered.

    Attributes:
        records: Of those that were answered with success, by id; the same study sent twice is one record twice.
        others: Status and Retry-After of every other answer.
        ended: Connections that ended without one.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    others: list[tuple[int, str | None, bytes]] = field(default_factory=list)
    ended: int = 0


class Load:
    """Sends until it is told to stop.

    Args:
        service: To whom.
        clients: Connections; half of them go to the front, half to the network.
    """

    def __init__(self, service: Service, *, clients: int = 4) -> None:
        self._service, self._clients = service, clients
        self._noise, self._stopped = np.random.default_rng(29), False
        self.answers = Answers()

    async def run(self) -> None:
        await asyncio.gather(*(self._client(PATHS[number % len(PATHS)]) for number in range(self._clients)))

    def stop(self) -> None:
        self._stopped = True

    async def _client(self, path: str) -> None:
        while not self._stopped:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._service.port)
                try:
                    while not self._stopped:
                        await self._send(reader, writer, path)
                except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                    self.answers.ended += 1
                finally:
                    writer.close()
            await asyncio.sleep(_AGAIN_S)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        noise = self._noise.integers(0, 255, (96, 80), dtype=np.uint8)
        body = cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 5) * 2)[1].tobytes()
        lines = (f"POST {path} HTTP/1.1", "Host: service.test", f"Authorization: Bearer {self._service.token}")
        text = "\r\n".join((*lines, "Content-Type: image/png", f"Content-Length: {len(body)}", "", ""))
        writer.write(text.encode() + body)
        async with asyncio.timeout(60):
            first, *headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)}
            content = await reader.readexactly(int(told["content-length"]))
        self._keep(int(first.split()[1]), told, content)
        if told.get("connection") == "close":
            raise ConnectionResetError

    def _keep(self, status: int, told: dict[str, str], content: bytes) -> None:
        if status == 200:
            self.answers.records.append(json.loads(content))
        else:
            self.answers.others.append((status, told.get("retry-after"), content[:200]))
