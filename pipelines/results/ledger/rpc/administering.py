"""What the registry's owner does: deploy it, and say who may write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.results.ledger.registry import encode_call, load_registry
from pipelines.results.ledger.rpc.contract import Contract, reason_of, require_chain
from pipelines.results.ledger.rpc.courier import Courier
from pipelines.results.ledger.rpc.node import Refusal, understood
from pipelines.results.ledger.rpc.terms import Deadline
from pipelines.results.ledger.rpc.turns import own_turn
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger.rpc.account import Account
    from pipelines.results.ledger.rpc.node import Node
    from pipelines.results.ledger.rpc.terms import Terms


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction in a block.

    Attributes:
        contract: The registry's address, `0x…` with checksum.
        transaction: Hash, `0x…`.
        block: Number.
        gas: Used.
    """

    contract: str
    transaction: str
    block: int
    gas: int


class Owner:
    """The registry's owner, or who is to become that.

    Args:
        node: Of the chain.
        account: The owner's.
        chain_id: Which the chain must have.
        terms: For how long, for how much.
        locks: Folder of the signers' locks.
    """

    def __init__(self, node: Node, account: Account, *, chain_id: int, terms: Terms, locks: Path) -> None:
        self._node, self._chain_id, self._terms, self._locks = node, chain_id, terms, locks
        self._courier = Courier(node, account, chain_id=chain_id, terms=terms)

    def deploy(self) -> Done:
        """Put the registry on the chain; the account owns it and is its first writer.

        Raises:
            LedgerError: It is another chain, or the account cannot pay.
            LedgerUnavailableError: The chain does not answer or takes too long.
        """
        require_chain(self._node, self._chain_id)
        done = self._do(load_registry().bytecode, to=None)
        Contract(self._node, done.contract, self._chain_id).require_ours()
        return done

    def add_writer(self, address: str, writer: str) -> Done:
        """Let an account anchor.

        Args:
            address: The registry's.
            writer: The account, `0x…`.

        Raises:
            LedgerError: It is no registry of ours, the account does not own it, or cannot pay.
            LedgerUnavailableError: The chain does not answer or takes too long.
        """
        return self._call(address, encode_call("add_writer(address)", writer))

    def remove_writer(self, address: str, writer: str) -> Done:
        """Take the right to anchor away; arguments and errors as for `add_writer`."""
        return self._call(address, encode_call("remove_writer(address)", writer))

    def _call(self, address: str, data: bytes) -> Done:
        Contract(self._node, address, self._chain_id).require_ours()
        return self._do(data, to=address)

    def _do(self, data: bytes, *, to: str | None) -> Done:
        deadline = Deadline(self._terms)
        with own_turn(self._locks, self._courier.address, deadline):
            attempt = self._courier.prepare(data, to=to)
            if isinstance(attempt, Refusal):
                raise LedgerError(f"the registry refuses: {reason_of(attempt)}")
            self._courier.send(attempt)
            while (receipt := self._node.receipt(attempt.hash)) is None:
                deadline.pause()
        return _done(receipt, to)


def _done(receipt: dict[str, Any], to: str | None) -> Done:
    from eth_utils import to_checksum_address

    with understood():
        if int(receipt["status"], 16) != 1:
            raise LedgerError("the transaction failed on the chain")
        return Done(
            contract=str(to_checksum_address(to or receipt["contractAddress"])),
            transaction=receipt["transactionHash"],
            block=int(receipt["blockNumber"], 16),
            gas=int(receipt["gasUsed"], 16),
        )
