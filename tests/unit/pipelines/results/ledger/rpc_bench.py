"""A registry on a real node, with its owner and a writer, as tests of the rpc ledger need it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ledger_programs import word

from pipelines.results.ledger.anchor import Anchor
from pipelines.results.ledger.rpc import RpcLedger
from pipelines.results.ledger.rpc.account import Account, Secret, SignerSource
from pipelines.results.ledger.rpc.administering import Owner
from pipelines.results.ledger.rpc.ledger import Chain
from pipelines.results.ledger.rpc.node import Node
from pipelines.results.ledger.rpc.outbox import Outbox
from pipelines.results.ledger.rpc.terms import Terms
from tests.anvil import CHAIN_ID, GWEI, Anvil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = word("root")
OWNER_KEY, WRITER_KEY = word("owner of the registry").hex(), word("writer").hex()
WRITER = Account(Secret(WRITER_KEY)).address
TERMS = Terms(confirmations=2, max_fee=100 * GWEI, wait_s=10, bump_after_s=0.3, poll_s=0.02)


@dataclass
class RpcBench:
    """The node, the registry on it, and a folder of the test's."""

    anvil: Anvil
    contract: str
    home: Path = field(default_factory=Path)

    @property
    def chain(self) -> Chain:
        return Chain(self.anvil.url, CHAIN_ID, self.contract, timeout_s=3)

    @property
    def owner(self) -> Owner:
        account = Account(Secret(OWNER_KEY))
        return Owner(
            Node(self.anvil.url, timeout_s=3), account, chain_id=CHAIN_ID, terms=TERMS, locks=self.home / "locks"
        )

    def ledger(
        self, job: str = "job", *, machine: str = "here", chain: Chain | None = None, **terms: float
    ) -> RpcLedger:
        """The writer's ledger for a job, on a machine with locks of its own."""
        (self.home / machine).mkdir(exist_ok=True)
        return RpcLedger(
            chain or self.chain,
            SignerSource(key=Secret(WRITER_KEY)),
            terms=replace(TERMS, **terms),  # type: ignore[arg-type] # whole numbers where terms are whole
            locks=self.home / machine / "locks",
            outbox=self.outbox_file(job, machine),
        )

    def outbox_file(self, job: str = "job", machine: str = "here") -> Path:
        return self.home / machine / f"{job}.sqlite"

    def outbox(self, job: str = "job", machine: str = "here") -> Outbox:
        return Outbox(self.outbox_file(job, machine))

    def events(self, job: str = "job") -> list[dict[str, Any]]:
        """Every event of a job on the chain."""
        wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": self.contract}
        return [log for log in self.anvil.ask("eth_getLogs", wanted) if log["topics"][1] == "0x" + word(job).hex()]


@contextmanager
def anchoring(ledger: RpcLedger, job: str = "job") -> Iterator[list[Anchor | BaseException]]:
    """Anchor in a thread while the test plays the chain; what came of it is in the list at the end."""
    outcome: list[Anchor | BaseException] = []

    def run() -> None:
        try:
            outcome.append(ledger.anchor(word(job), root=ROOT, count=5))
        except BaseException as error:  # noqa: BLE001 - told to the test
            outcome.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield outcome
    finally:
        thread.join()


def wait_until(holds: Callable[[], bool], limit_s: float = 8) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)
