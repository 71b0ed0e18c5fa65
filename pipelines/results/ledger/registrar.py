"""The registry contract on the local chain: deployed once, asked for every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils import to_checksum_address, to_hex

from pipelines.results.ledger.anchor import Anchor
from pipelines.results.ledger.chain import CHAIN_ID, CREATE, LocalChain, whole_chain
from pipelines.results.ledger.registry import (
    Entry,
    anchor_call,
    anchored_call,
    load_registry,
    read_binding,
    read_entry,
)
from pipelines.results.ledger.signer import Signer
from sievert.errors import AnchorError, LedgerError

if TYPE_CHECKING:
    from pipelines.results.ledger.blocks import Block, Transaction
    from pipelines.results.ledger.store import Store

KIND = "embedded"
_CONTRACT_KEY = b"sievert:contract"
_SECRET_KEY = b"sievert:key"


def found_registry(store: Store, *, now: int) -> None:
    """Lay a chain into an empty store: its genesis block, a new key, and the registry in block 1.

    Args:
        store: Empty.
        now: Time of block 1, unix s.
    """
    chain, signer = LocalChain.create(store), Signer.random()
    store[_SECRET_KEY] = signer.secret
    store[_CONTRACT_KEY] = chain.mine(signer, to=CREATE, data=load_registry().bytecode, now=now).to


class Registrar:
    """Asks and writes the registry in an open store.

    Args:
        store: Holds what `found_registry` laid.

    Raises:
        LedgerError: The chain is damaged, or the code at the contract's address is not the registry's.
    """

    @whole_chain()
    def __init__(self, store: Store) -> None:
        self._store = store
        self._chain = LocalChain(store)
        self._contract = store[_CONTRACT_KEY]
        self._code_hash = to_hex(self._chain.code_hash(self._contract))
        if self._code_hash != load_registry().code_hash:
            raise LedgerError("The contract on the ledger is not the registry that this release deploys.")

    def find(self, job: bytes) -> Anchor | None:
        """What the contract says of the job, with the transaction that said so; None where it says nothing.

        Raises:
            LedgerError: The chain has no block and transaction that bear the contract out.
        """
        entry = self._ask(job)
        if entry is None:
            return None
        block = self._chain.block(entry.block)
        if block.time != entry.time:
            raise LedgerError("The ledger's chain and its contract disagree about a block's time.")
        return self._anchor_of(job, entry, *self._transaction_of(job, entry, block))

    def bind(self, job: bytes, *, root: bytes, count: int, now: int) -> Anchor:
        """Bind the job to a root in a block of its own; what stands already is returned.

        Raises:
            AnchorError: The job is bound to another root or count.
            LedgerError: The contract refuses, or the chain is damaged.
        """
        standing = self.find(job) or self._mine(job, root=root, count=count, now=now)
        if (standing.root, standing.count) != (root, count):
            raise AnchorError("The ledger holds another root for this job.")
        return standing

    def check(self) -> None:
        """Read every row, walk every block, and ask the contract for every job that a transaction names.

        Raises:
            LedgerError: Something is damaged, missing, or contradicts something else.
        """
        for _ in self._store.values():
            pass
        for block in self._chain.walk():
            for transaction in block.transactions:
                self._check(transaction, block)

    def _check(self, transaction: Transaction, block: Block) -> None:
        bound = read_binding(transaction.data) if transaction.to == self._contract else None
        entry = None if bound is None else self._ask(bound.job)
        if bound and not (entry and entry.block == block.number and entry.fits(bound.root, bound.count)):
            raise LedgerError("The ledger's chain and its contract disagree about a job.")

    def _ask(self, job: bytes) -> Entry | None:
        try:
            return read_entry(self._chain.call(self._contract, anchored_call(job)))
        except ValueError as fault:
            raise LedgerError("The registry gives no answer.") from fault

    @whole_chain()
    def _mine(self, job: bytes, *, root: bytes, count: int, now: int) -> Anchor:
        data = anchor_call(job, root=root, count=count)
        signer = Signer(self._store[_SECRET_KEY])
        transaction = self._chain.mine(signer, to=self._contract, data=data, now=now)
        entry = self._ask(job)
        if entry is None:
            raise LedgerError("The ledger took an anchor and does not show it.")
        return self._anchor_of(job, entry, transaction, root)

    def _transaction_of(self, job: bytes, entry: Entry, block: Block) -> tuple[Transaction, bytes]:
        """The transaction that bound the job, and the whole root, which only it holds."""
        for transaction in block.transactions:
            bound = read_binding(transaction.data) if transaction.to == self._contract else None
            if bound and bound.job == job and entry.fits(bound.root, bound.count):
                return transaction, bound.root
        raise LedgerError("The ledger's chain lacks the transaction of an anchor.")

    def _anchor_of(self, job: bytes, entry: Entry, transaction: Transaction, root: bytes) -> Anchor:
        return Anchor(
            job=job,
            root=root,
            count=entry.count,
            chain_id=CHAIN_ID,
            contract=to_checksum_address(self._contract),
            code_hash=self._code_hash,
            block=entry.block,
            time=entry.time,
            transaction=to_hex(transaction.hash),
            sender=to_checksum_address(transaction.sender),
            kind=KIND,
        )
