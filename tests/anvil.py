"""A real Ethereum node for tests: anvil, mining only when it is told to."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN_ID = 31337
GWEI = 10**9
ETHER = 10**18
_SERVICES = Path(__file__).parent.parent / ".services" / "node_modules"
_BLOCK_EVERY_S = 0.03


def find_anvil() -> str | None:
    """The program itself: the npm package's own command is a parent that outlives no signal well."""
    installed = sorted(_SERVICES.glob("@foundry-rs/anvil-*/bin/anvil"))
    return str(installed[0]) if installed else shutil.which("anvil")


class Anvil:
    """A running node."""

    def __init__(self, program: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # a lone block a call; a stored block keeps its state, so that a reorganisation can go back to it
        options = ["--port", str(self.port), "--no-mining", "--silent", "--chain-id", str(CHAIN_ID)]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        self._await_answer()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - JSON
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = Request(self.url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - our own
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            told = json.loads(answer.read())
        assert "error" not in told, told
        return told["result"]

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.ask("evm_mine")

    @contextmanager
    def mining(self) -> Iterator[None]:
        """A block every 30 ms."""
        over = threading.Event()

        def mine() -> None:
            while not over.wait(_BLOCK_EVERY_S):
                self.mine()

        miner = threading.Thread(target=mine)
        miner.start()
        try:
            yield
        finally:
            over.set()
            miner.join()

    def fund(self, address: str, wei: int = 10 * ETHER) -> None:
        self.ask("anvil_setBalance", address, hex(wei))

    def nonce(self, address: str) -> int:
        return int(self.ask("eth_getTransactionCount", address, "latest"), 16)

    def pool(self) -> int:
        """How many transactions wait."""
        return int(self.ask("txpool_status")["pending"], 16)

    def _await_answer(self) -> None:
        for _ in range(500):
            try:
                self.ask("eth_chainId")
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("anvil does not start")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
