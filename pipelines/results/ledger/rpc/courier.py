"""Prices, signs and sends transactions of one account (EIP-1559)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.results.ledger.rpc.contract import reason_of
from pipelines.results.ledger.rpc.fees import Fees, first_offer, higher_offer
from pipelines.results.ledger.rpc.node import Refusal
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from pipelines.results.ledger.rpc.account import Account
    from pipelines.results.ledger.rpc.node import Node
    from pipelines.results.ledger.rpc.terms import Terms

GWEI = 10**9
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")
_OVERTAKEN = ("nonce too low", "nonce is too low", "oldnonce")
_TOO_CHEAP = ("underpriced", "less than block base fee", "fee too low", "feetoolow", "gas price too low", "tip too low")
_TOO_POOR = "insufficient funds"
_SPARE = 4


@dataclass(frozen=True, slots=True)
class Attempt:
    """A signed transaction that may be sent any number of times.

    Attributes:
        sender: Who signed it, `0x…` with checksum.
        nonce: Its number among the sender's transactions.
        gas: Its limit.
        fees: What it offers.
        raw: Its bytes, as they are sent.
        hash: `0x…`.
    """

    sender: str
    nonce: int
    gas: int
    fees: Fees
    raw: bytes
    hash: str


class Courier:
    """Sends for one account over one node.

    Args:
        node: Where transactions are handed over.
        account: Who signs.
        chain_id: The chain for which is signed.
        terms: What is paid at most.
    """

    def __init__(self, node: Node, account: Account, *, chain_id: int, terms: Terms) -> None:
        self._node, self._account, self._chain_id, self._terms = node, account, chain_id, terms

    @property
    def address(self) -> str:
        """The account's."""
        return self._account.address

    def prepare(self, data: bytes, *, to: str | None) -> Attempt | Refusal:
        """Sign a call with the account's next number; a contract that would revert is a refusal.

        Args:
            data: Call data.
            to: The contract; None makes one.

        Raises:
            LedgerError: The account cannot pay for it, or the chain knows no EIP-1559.
        """
        call = {"from": self.address, "data": "0x" + data.hex(), **({"to": to} if to else {})}
        gas = self._node.estimate(call)
        if isinstance(gas, Refusal):
            return gas
        fees = first_offer(*self._market(), cap=self._terms.max_fee)
        return self._sign(data, to=to, nonce=self._node.nonce(self.address), gas=gas + gas // _SPARE, fees=fees)

    def raise_offer(self, last: Attempt, data: bytes, *, to: str | None) -> Attempt | None:
        """The same call under the same number for more; None where the cap forbids it."""
        fees = higher_offer(last.fees, *self._market(), cap=self._terms.max_fee)
        return self._sign(data, to=to, nonce=last.nonce, gas=last.gas, fees=fees) if fees else None

    def send(self, attempt: Attempt) -> None:
        """Hand it over; where the node has it already, or will not take it for so little, nothing is said.

        Raises:
            LedgerError: The node refuses it for another reason.
        """
        refusal = self._node.send(attempt.raw)
        told = refusal.message.lower() if refusal else ""
        if _TOO_POOR in told:
            raise self._too_poor(attempt.gas * attempt.fees.most)
        if refusal and not any(word in told for word in (*_KNOWN, *_OVERTAKEN, *_TOO_CHEAP)):
            raise LedgerError(f"the node refuses the transaction: {reason_of(refusal)}")

    def _sign(self, data: bytes, *, to: str | None, nonce: int, gas: int, fees: Fees) -> Attempt:
        if self._node.balance(self.address) < gas * fees.most:
            raise self._too_poor(gas * fees.most)
        fields = {
            "chainId": self._chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.most,
            "maxPriorityFeePerGas": fees.priority,
            "data": data,
            **({"to": to} if to else {}),
        }
        signed = self._account.sign(fields)
        return Attempt(self.address, nonce, gas, fees, signed.raw, signed.hash)

    def _market(self) -> tuple[int, int]:
        """Base fee and advised priority fee, wei a gas."""
        base_fee = self._node.head().base_fee
        if base_fee is None:
            raise LedgerError("the chain's blocks have no base fee: it knows no EIP-1559")
        return base_fee, self._node.priority_fee()

    def _too_poor(self, needed: int) -> LedgerError:
        return LedgerError(
            f"the signer {self.address} cannot pay for the transaction: up to {needed / GWEI:,.0f} gwei are needed",
            remedy="Send funds to it, then run `sievert anchor DIR`.",
        )
