"""Brings one job's anchor from the outbox into a block, and waits until it stays there.

What decides is the contract's own answer, asked before anything is signed or sent: so a process that was killed,
another one with the same folder or key, and a transaction that got in after all are one case. A second transaction for
a job is refused by the contract and costs gas, no more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipelines.results.ledger.registry import anchor_call
from pipelines.results.ledger.rpc.contract import reason_of
from pipelines.results.ledger.rpc.node import Refusal
from pipelines.results.ledger.rpc.outbox import Order, Outbox, State
from pipelines.results.ledger.rpc.terms import Deadline, Terms
from pipelines.results.ledger.rpc.turns import own_turn
from sievert.errors import AnchorError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.results.ledger.anchor import Anchor
    from pipelines.results.ledger.rpc.contract import Contract, Located
    from pipelines.results.ledger.rpc.courier import Attempt, Courier

_DOUBLE = "job already anchored"
_SUCCESS = 1


class Sender:
    """Anchors one job.

    Args:
        contract: Known to be ours.
        outbox: The job's, begun.
        order: What the outbox was begun with.
        terms: For how long, for how much.
        locks: Folder of the signers' locks.
    """

    def __init__(self, contract: Contract, outbox: Outbox, *, order: Order, terms: Terms, locks: Path) -> None:
        self._contract, self._outbox, self._order, self._terms = contract, outbox, order, terms
        self._locks = locks
        self._data = anchor_call(order.job, root=order.root, count=order.count)
        self._sent_s: float | None = None

    def carry(self, open_courier: Callable[[], Courier]) -> Anchor:
        """Do what is left to be done.

        Args:
            open_courier: Opens the signer; not called where the anchor is in a block already.

        Raises:
            AnchorError: The job is bound to another root.
            LedgerUnavailableError: The node does not answer, or the chain takes too long; what was signed is kept.
            LedgerError: The registry or the node refuses, or the signer cannot pay.
        """
        deadline, courier = Deadline(self._terms), None
        while True:
            located = self._locate()
            if located is None:
                courier = courier or open_courier()
                located = self._get_in(courier, deadline)
            if self._settle(located, deadline):
                return located.anchor

    def _locate(self) -> Located | None:
        located = self._contract.locate(self._order.job)
        if located is None:
            return None
        if (located.anchor.root, located.anchor.count) != (self._order.root, self._order.count):
            raise AnchorError("The ledger holds another root for this job.")
        self._outbox.enter(State.INCLUDED, block=located.anchor.block, block_hash=located.block_hash)
        return located

    def _get_in(self, courier: Courier, deadline: Deadline) -> Located:
        with own_turn(self._locks, courier.address, deadline):
            self._require_writer(courier.address)
            self._sent_s = None
            while (located := self._locate()) is None:
                if attempt := self._attempt(courier):
                    self._hand_over(courier, attempt)
                deadline.pause()
            return located

    def _hand_over(self, courier: Courier, attempt: Attempt) -> None:
        """Send it, and again whenever the node has lost it: pools forget, and what comes amid a reorganisation too."""
        if self._sent_s is not None and self._contract.node.knows(attempt.hash):
            return
        courier.send(attempt)
        self._outbox.enter(State.SENT)
        self._sent_s = self._sent_s or time.monotonic()

    def _attempt(self, courier: Courier) -> Attempt | None:
        """What is to be sent now; None where the contract knows the job after all, and shows it in a moment."""
        current = self._current(courier.address)
        if current is None:
            return self._keep(self._prepare(courier))
        if self._sent_s is None or time.monotonic() - self._sent_s < self._terms.bump_after_s:
            return current
        raised = courier.raise_offer(current, self._data, to=self._contract.address)
        self._sent_s = None
        return self._keep(raised) or current

    def _keep(self, attempt: Attempt | None) -> Attempt | None:
        if attempt:
            self._outbox.keep(attempt)
            self._sent_s = None
        return attempt

    def _current(self, address: str) -> Attempt | None:
        """The newest attempt whose turn it is; None where one must be signed.

        A reorganisation takes the account's number back, so an older attempt may be the one whose turn it is again: a
        newer one, signed while the old block stood, waits behind it for ever.
        """
        attempts = [each for each in self._outbox.attempts() if each.sender == address]
        number = self._contract.node.nonce(address)
        open_yet = [each for each in attempts if each.nonce >= number]
        if open_yet or not attempts:
            return min(open_yet, key=lambda each: each.nonce, default=None)
        return None if self._is_overtaken(attempts) else attempts[0]

    def _is_overtaken(self, attempts: list[Attempt]) -> bool:
        """Whether other transactions of the signer took the numbers, or ours was mined and failed."""
        receipts = [self._contract.node.receipt(each.hash) for each in attempts]
        return not any(receipt and int(receipt["status"], 16) == _SUCCESS for receipt in receipts)

    def _prepare(self, courier: Courier) -> Attempt | None:
        prepared = courier.prepare(self._data, to=self._contract.address)
        if not isinstance(prepared, Refusal):
            return prepared
        if _DOUBLE in (reason := reason_of(prepared)):
            return None
        self._require_writer(courier.address)
        raise LedgerError(f"the registry refuses: {reason}")

    def _require_writer(self, address: str) -> None:
        if not self._contract.is_writer(address):
            raise LedgerError(
                f"the signer {address} is no writer of the registry",
                remedy="Have the registry's owner run `sievert ledger add-writer` for it, then `sievert anchor DIR`.",
            )

    def _settle(self, located: Located, deadline: Deadline) -> bool:
        """Wait until enough blocks are on top; False where the chain was reorganised and the block is no more."""
        while True:
            again = self._contract.locate(self._order.job)
            if again is None or again.block_hash != located.block_hash:
                self._outbox.enter(State.SENT)
                return False
            if self._contract.node.head().number - located.anchor.block + 1 >= self._terms.confirmations:
                self._outbox.enter(State.FINAL, block=located.anchor.block, block_hash=located.block_hash)
                return True
            deadline.pause()
