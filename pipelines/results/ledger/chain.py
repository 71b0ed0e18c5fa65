"""A local Ethereum chain: py-evm under Shanghai's rules, a block a transaction, nobody to pay.

The genesis block is the same for every ledger: empty state, time 0, no fee. A base fee of 0 stays 0 under
EIP-1559, so accounts need no funds.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from eth.chains.base import MiningChain
from eth.constants import ZERO_ADDRESS
from eth.db.atomic import AtomicDB
from eth.exceptions import PyEVMError
from eth.vm.forks.shanghai import ShanghaiVM
from eth_utils import ValidationError
from rlp.exceptions import RLPException
from trie.exceptions import MissingTrieNode

from pipelines.results.ledger.blocks import Block, Transaction
from pipelines.results.ledger.registry import revert_reason
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.results.ledger.signer import Signer
    from pipelines.results.ledger.store import Store

CHAIN_ID = 0x53565254
"""1398166100, `SVRT`: the id of every local ledger (EIP-155), so nothing signed here is valid elsewhere."""

CREATE = b""
"""Where a transaction goes that creates a contract."""

_GAS_LIMIT = 2_000_000
_GENESIS = {"difficulty": 0, "gas_limit": 30_000_000, "timestamp": 0, "base_fee_per_gas": 0}
_Chain: Any = MiningChain.configure(__name__="LocalChain", vm_configuration=((0, ShanghaiVM),), chain_id=CHAIN_ID)


@contextmanager
def whole_chain() -> Iterator[None]:
    """Raise LedgerError where py-evm misses a part of the chain or finds one that breaks its rules."""
    try:
        yield
    except (PyEVMError, MissingTrieNode, ValidationError, RLPException, KeyError) as fault:
        raise LedgerError("A part of the ledger's chain is missing or damaged.") from fault


class LocalChain:
    """The chain in a store.

    Args:
        store: Holds a chain, see `create`.

    Raises:
        LedgerError: The chain is damaged; so do all methods.
    """

    @whole_chain()
    def __init__(self, store: Store) -> None:
        self._chain = _Chain(store)

    @classmethod
    def create(cls, store: Store) -> LocalChain:
        """Lay the genesis block into an empty store."""
        _Chain.from_genesis(store, _GENESIS, {})
        return cls(store)

    @whole_chain()
    def code_hash(self, address: bytes) -> bytes:
        """Keccak-256 of the code at an address (20 bytes); the empty string's hash where there is none."""
        code_hash: bytes = self._head_vm().state.get_code_hash(address)
        return code_hash

    @whole_chain()
    def call(self, address: bytes, data: bytes, *, sender: bytes = ZERO_ADDRESS) -> bytes:
        """Run a contract on the newest state and forget what it wrote (`eth_call`).

        Raises:
            LedgerError: Also where the contract reverts; with its reason.
        """
        vm = self._head_vm()
        code = vm.state.get_code(address)
        done = vm.execute_bytecode(
            origin=sender, sender=sender, to=address, data=data, code=code, gas=_GAS_LIMIT, gas_price=0, value=0
        )
        return _require_done(done)

    @whole_chain()
    def mine(self, signer: Signer, *, to: bytes, data: bytes, now: int) -> Transaction:
        """Make the next block of one transaction; its time is `now` (unix s) or just after its parent's.

        Returns:
            The transaction; `to` is the contract's address where it created one.

        Raises:
            LedgerError: Also where the contract reverts; what was written then must be rolled back.
        """
        sent = signer.sign(self._unsigned(signer.address, to, data))
        self._chain.set_header_timestamp(max(self._head().timestamp + 1, now))
        _, _, (done,) = self._chain.mine_all([sent])
        _require_done(done)
        return Transaction(hash=sent.hash, to=done.msg.storage_address, data=data, signed=sent)

    @whole_chain()
    def block(self, number: int) -> Block:
        """The canonical block of that number.

        Raises:
            LedgerError: Also where the canonical chain has no such block.
        """
        header = self._chain.get_canonical_block_header_by_number(number)
        if header.block_number != number:
            raise LedgerError("The ledger's chain numbers a block wrongly.")
        return self._read_block(header)

    def walk(self) -> Iterator[Block]:
        """Every block but the genesis block, newest first, each held against its parent.

        Raises:
            LedgerError: Also where a block breaks the rules, or the chain starts from another genesis block.
        """
        with whole_chain():
            header, genesis_hash = self._head(), _genesis_hash()
            while header.hash != genesis_hash:
                if self._chain.get_canonical_block_hash(header.block_number) != header.hash:
                    raise LedgerError("The ledger's chain numbers a block wrongly.")
                yield self._read_block(header)
                parent = self._chain.get_block_header_by_hash(header.parent_hash)
                ShanghaiVM.validate_header(header, parent)
                header = parent

    def _unsigned(self, sender: bytes, to: bytes, data: bytes) -> Any:  # noqa: ANN401 - py-evm ships no types
        return ShanghaiVM.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=self._head_vm().state.get_nonce(sender),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=_GAS_LIMIT,
            to=to,
            value=0,
            data=data,
            access_list=(),
        )

    def _read_block(self, header: Any) -> Block:  # noqa: ANN401 - py-evm ships no types
        builder = ShanghaiVM.get_transaction_builder()
        transactions = tuple(
            Transaction(hash=each.hash, to=each.to, data=each.data, signed=each)
            for each in self._chain.chaindb.get_block_transactions(header, builder)
        )
        return Block(number=header.block_number, time=header.timestamp, transactions=transactions)

    def _head(self) -> Any:  # noqa: ANN401 - py-evm ships no types
        return self._chain.get_canonical_head()

    def _head_vm(self) -> Any:  # noqa: ANN401 - py-evm ships no types
        return self._chain.get_vm(self._head())


def _require_done(computation: Any) -> bytes:  # noqa: ANN401 - py-evm ships no types
    answer: bytes = computation.output
    if computation.is_error:
        raise LedgerError(f"The registry refuses: {revert_reason(answer)}.")
    return answer


@cache
def _genesis_hash() -> bytes:
    genesis_hash: bytes = _Chain.from_genesis(AtomicDB(), _GENESIS, {}).get_canonical_head().hash
    return genesis_hash
