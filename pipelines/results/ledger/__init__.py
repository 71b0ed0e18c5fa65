"""The public ledger of jobs: one transaction binds a job to the root of its results.

Importing this costs milliseconds; the embedded ledger loads py-evm when it is first used, the other one web3.
"""

from pipelines.results.ledger.anchor import Anchor
from pipelines.results.ledger.choosing import open_ledger
from pipelines.results.ledger.embedded import EmbeddedLedger
from pipelines.results.ledger.interface import Ledger

__all__ = ["Anchor", "EmbeddedLedger", "Ledger", "open_ledger"]
