"""The registry contract on a chain that others keep: asked for every answer, and held against its own events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.results.ledger.anchor import Anchor
from pipelines.results.ledger.registry import (
    ANCHORED_EVENT,
    Entry,
    anchored_call,
    encode_call,
    load_registry,
    read_entry,
    revert_reason,
)
from pipelines.results.ledger.rpc.node import Refusal, understood
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from pipelines.results.ledger.rpc.node import Node

KIND = "rpc"
_LOOKS, _AGAIN_S = 6, 0.2


@dataclass(frozen=True, slots=True)
class Located:
    """An anchor, and the hash of the block that holds it now; a reorganisation gives it another."""

    anchor: Anchor
    block_hash: str


class Contract:
    """The registry at an address.

    Args:
        node: Asked for everything.
        address: With checksum (EIP-55).
        chain_id: The chain on which it must be.
    """

    def __init__(self, node: Node, address: str, chain_id: int) -> None:
        self.node, self.address, self.chain_id = node, address, chain_id

    def require_ours(self) -> None:
        """Make sure of the chain and of the code: a transaction to an address without code would succeed.

        Raises:
            LedgerError: It is another chain, there is no code, or other code than the registry's.
        """
        require_chain(self.node, self.chain_id)
        code = self.node.code(self.address)
        if not code:
            raise LedgerError(
                f"there is no contract at {self.address} on chain {self.chain_id}",
                remedy="See the setting ledger.contract, or deploy with `sievert ledger deploy`.",
            )
        if code_hash(code) != load_registry().code_hash:
            raise LedgerError(
                f"the contract at {self.address} is not the registry that this release deploys",
                remedy="See the setting ledger.contract, or deploy with `sievert ledger deploy`.",
            )

    def is_writer(self, account: str) -> bool:
        """Whether an account (`0x…`) may anchor."""
        return any(self._call(encode_call("is_writer(address)", account)))

    def owner(self) -> str:
        """Who says who may anchor, `0x…` with checksum."""
        from eth_utils import to_checksum_address

        with understood():
            return str(to_checksum_address(self._call(encode_call("owner()"))[12:32]))

    def locate(self, job: bytes) -> Located | None:
        """The job's anchor in the newest state; None where there is none.

        A node that is amid a reorganisation, and one of several behind one address, may show a contract's state and not
        yet its events: so it is asked again for a while.

        Raises:
            LedgerError: The chain does not bear out what the contract says.
        """
        for _ in range(_LOOKS):
            if (entry := self._look(job)) is None:
                return None
            if located := self._event(job, entry):
                return located
            time.sleep(_AGAIN_S)
        raise LedgerError(
            "the chain does not show the event of an anchor in the block that the contract names",
            remedy="Use a node that keeps events, of a chain whose contracts see its own block numbers.",
        )

    def _look(self, job: bytes) -> Entry | None:
        with understood():
            return read_entry(self._call(anchored_call(job)))

    def _call(self, data: bytes) -> bytes:
        answer = self.node.call(self.address, data)
        if isinstance(answer, Refusal):
            raise LedgerError(f"the registry refuses: {reason_of(answer)}")
        return answer

    def _event(self, job: bytes, entry: Entry) -> Located | None:
        logs = self.node.logs(entry.block, address=self.address, topics=[_topic(), "0x" + job.hex()])
        block = self.node.block(entry.block)
        if not logs or block is None or block.time != entry.time:
            return None
        with understood():
            event, root = logs[0], bytes.fromhex(logs[0]["topics"][2][2:])
            fits = entry.fits(root, int(event["data"], 16)) and event["blockHash"] == block.hash
            sent = self.node.transaction_in(block.hash, event["transactionIndex"])
            return Located(self._anchor(job, root, entry, sent), block.hash) if fits and sent else None

    def _anchor(self, job: bytes, root: bytes, entry: Entry, sent: dict[str, Any]) -> Anchor:
        from eth_utils import to_checksum_address

        return Anchor(
            job=job,
            root=root,
            count=entry.count,
            chain_id=self.chain_id,
            contract=self.address,
            code_hash=load_registry().code_hash,
            block=entry.block,
            time=entry.time,
            transaction=sent["hash"],
            sender=to_checksum_address(sent["from"]),
            kind=KIND,
        )


def require_chain(node: Node, chain_id: int) -> None:
    """Raise LedgerError where a node is of another chain: what is signed for one is worth nothing on another."""
    found = node.chain_id()
    if found != chain_id:
        raise LedgerError(
            f"the node is of chain {found}, not of chain {chain_id}",
            remedy="See the settings ledger.url and ledger.chain_id.",
        )


def code_hash(code: bytes) -> str:
    """Keccak-256 of a contract's code, `0x…`."""
    from eth_utils import keccak, to_hex

    return str(to_hex(keccak(code)))


def reason_of(refusal: Refusal) -> str:
    """Why a contract reverted, or what else the node said."""
    told = revert_reason(refusal.data)
    return told if refusal.data and told != "no reason given" else refusal.message


def _topic() -> str:
    from eth_utils import keccak, to_hex

    return str(to_hex(keccak(text=ANCHORED_EVENT)))
