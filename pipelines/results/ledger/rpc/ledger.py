"""The ledger on a chain that others keep too: any EVM chain, over JSON-RPC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.results.ledger.registry import require_anchorable, require_word

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger.anchor import Anchor
    from pipelines.results.ledger.rpc.account import SignerSource
    from pipelines.results.ledger.rpc.contract import Contract
    from pipelines.results.ledger.rpc.courier import Courier
    from pipelines.results.ledger.rpc.node import Node
    from pipelines.results.ledger.rpc.terms import Terms


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the registry is.

    Attributes:
        url: The node's; it may hold an access token.
        chain_id: The chain's id (EIP-155).
        contract: The registry's address, with checksum (EIP-55).
        timeout_s: How long the node may be silent.
    """

    url: str = field(repr=False)
    chain_id: int
    contract: str
    timeout_s: float

    def node(self) -> Node:
        """The node; nothing is asked yet."""
        from pipelines.results.ledger.rpc.node import Node

        return Node(self.url, timeout_s=self.timeout_s)


class RpcLedger:
    """A ledger on a chain; methods as in `interface.Ledger`, and LedgerUnavailableError where the chain is away.

    Args:
        chain: Where the registry is.
        source: Who signs; opened only where something must be signed.
        terms: For how long, for how much.
        locks: Folder of the signers' locks.
        outbox: The job's outbox; without one nothing can be anchored.
    """

    def __init__(
        self, chain: Chain, source: SignerSource, *, terms: Terms, locks: Path, outbox: Path | None = None
    ) -> None:
        self._chain, self._source, self._terms = chain, source, terms
        self._locks, self._outbox = locks, outbox

    def find(self, job: bytes) -> Anchor | None:
        """Ask the contract; see `Ledger.find`. What is not final yet is not there."""
        require_word(job, "A job's id")
        contract = self._contract()
        located = contract.locate(job)
        if located is None:
            return None
        confirmations = contract.node.head().number - located.anchor.block + 1
        return located.anchor if confirmations >= self._terms.confirmations else None

    def anchor(self, job: bytes, *, root: bytes, count: int) -> Anchor:
        """Bind the job and wait until that is final; see `Ledger.anchor`. Safe to repeat after any interruption.

        Raises:
            ValueError: There is no outbox.
        """
        require_anchorable(job, root=root, count=count)
        if self._outbox is None:
            raise ValueError("opened for reading: there is no outbox")
        from pipelines.results.ledger.rpc.outbox import Order, Outbox
        from pipelines.results.ledger.rpc.sender import Sender

        contract, outbox = self._contract(), Outbox(self._outbox)
        order = Order(job, root, count, self._chain.chain_id, self._chain.contract)
        outbox.begin(order)
        sender = Sender(contract, outbox, order=order, terms=self._terms, locks=self._locks)
        return sender.carry(lambda: self._courier(contract.node))

    def check(self) -> None:
        """Make sure of chain and contract; see `Ledger.check`. The chain itself is its nodes' to check."""
        self._contract()

    def _contract(self) -> Contract:
        from pipelines.results.ledger.rpc.contract import Contract

        contract = Contract(self._chain.node(), self._chain.contract, self._chain.chain_id)
        contract.require_ours()
        return contract

    def _courier(self, node: Node) -> Courier:
        from pipelines.results.ledger.rpc.courier import Courier

        return Courier(node, self._source.open(), chain_id=self._chain.chain_id, terms=self._terms)
