"""What `sievert ledger status` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.results.ledger.choosing import open_chain, open_ledger, open_signer
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger.rpc.contract import Contract
    from sievert.settings import LedgerSettings


def describe_ledger(settings: LedgerSettings, *, file: Path) -> dict[str, Any]:
    """The ledger's state; every value is one that JSON can hold.

    Args:
        settings: The branch.
        file: The embedded ledger's.

    Raises:
        ConfigError: A setting is missing.
        LedgerError: The ledger is damaged, or its contract is not ours.
        LedgerUnavailableError: The chain does not answer.
    """
    if settings.kind == "embedded":
        if file.exists():
            open_ledger(settings, file=file).check()
        return {"kind": "embedded", "file": str(file), "exists": file.exists()}
    from pipelines.results.ledger.rpc.contract import Contract

    chain = open_chain(settings)
    contract = Contract(chain.node(), chain.contract, chain.chain_id)
    contract.require_ours()
    head = contract.node.head()
    return {
        "kind": "rpc",
        "chain_id": chain.chain_id,
        "contract": chain.contract,
        "owner": contract.owner(),
        "head_block": head.number,
        "base_fee_wei": head.base_fee,
        **_describe_signer(settings, contract),
    }


def _describe_signer(settings: LedgerSettings, contract: Contract) -> dict[str, Any]:
    """Who only verifies needs no signer, so one that cannot be opened is told, not raised."""
    try:
        address = open_signer(settings).open().address
    except LedgerError as error:
        return {"signer": None, "signer_problem": error.message}
    return {
        "signer": address,
        "is_writer": contract.is_writer(address),
        "balance_wei": contract.node.balance(address),
    }
