"""Holds a proof against the chain that it names itself, over any node of it: no settings, no key, no signer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.proofs.proof import hold_against
from sievert.errors import AnchorError, ConfigError, ProofError

if TYPE_CHECKING:
    from pipelines.results.ledger.anchor import Anchor
    from pipelines.results.proofs.proof import Proof

_RPC = "rpc"


def ask_node(proof: Proof, url: str, *, timeout_s: float, contract: str | None = None) -> Anchor:
    """Ask a node for what the proof's contract says of its job.

    The proof names the contract, and whoever made it could have made that, too: it must be one that the reader knows
    to be the programme's. That its code is the registry's is checked here.

    Args:
        proof: Its path is followed already.
        url: Of a node.
        timeout_s: How long it may be silent.
        contract: The address that it must be.

    Raises:
        ProofError: It was anchored on an embedded ledger, which no node knows.
        AnchorError: The contract is another than asked for, or says something else of the job, or nothing.
        LedgerError: The node is of another chain, or there is other code at the address, or none.
        LedgerUnavailableError: It does not answer.
    """
    from eth_utils import is_address, to_checksum_address

    from pipelines.results.ledger.rpc.contract import Contract
    from pipelines.results.ledger.rpc.node import Node

    if not url.startswith(("http://", "https://")):
        raise ConfigError("the node's URL begins with neither https:// nor http://")
    if proof.ledger != _RPC or not is_address(proof.contract):
        raise ProofError("the proof's job was anchored on a ledger that no node knows: keep its root, and use --root")
    if contract is not None and contract.lower() != proof.contract.lower():
        raise AnchorError("the proof's job was anchored in another contract than the one that you named")
    address = str(to_checksum_address(proof.contract))
    registry = Contract(Node(url, timeout_s=timeout_s), address, proof.chain_id)
    registry.require_ours()
    located = registry.locate(bytes.fromhex(proof.job))
    if located is None:
        raise AnchorError("the contract knows nothing of the proof's job")
    hold_against(proof, located.anchor)
    return located.anchor
