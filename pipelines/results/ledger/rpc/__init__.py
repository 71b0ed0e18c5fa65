"""The ledger on any EVM chain, over JSON-RPC. Importing this is quick; web3 is loaded with the first question."""

from pipelines.results.ledger.rpc.ledger import RpcLedger

__all__ = ["RpcLedger"]
