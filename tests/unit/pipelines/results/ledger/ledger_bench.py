"""The registry alone on a local chain, as tests of the contract need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger_programs import word

from pipelines.results.ledger.registry import load_registry
from pipelines.results.ledger.signer import Signer

if TYPE_CHECKING:
    from pipelines.results.ledger.blocks import Transaction
    from pipelines.results.ledger.chain import LocalChain

OWNER = Signer(word("owner"))
STRANGER = Signer(word("stranger"))


class Bench:
    """The registry, freshly deployed by OWNER."""

    def __init__(self, chain: LocalChain) -> None:
        self.chain = chain
        self.address = self.send(OWNER, load_registry().bytecode, to=b"").to

    def send(self, signer: Signer, data: bytes, *, to: bytes | None = None, now: int = 1_000) -> Transaction:
        return self.chain.mine(signer, to=self.address if to is None else to, data=data, now=now)

    def ask(self, data: bytes) -> bytes:
        return self.chain.call(self.address, data)
