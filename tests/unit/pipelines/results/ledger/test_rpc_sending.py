"""Transactions that do not get in, fall out again, or meet others of the same signer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from ledger_programs import word
from rpc_bench import ROOT, WRITER, WRITER_KEY, RpcBench, anchoring, wait_until

from pipelines.results.ledger.anchor import Anchor
from pipelines.results.ledger.registry import anchor_call
from pipelines.results.ledger.rpc.account import Account, Secret
from pipelines.results.ledger.rpc.courier import Attempt
from pipelines.results.ledger.rpc.fees import Fees, first_offer, higher_offer
from pipelines.results.ledger.rpc.outbox import State
from sievert.errors import LedgerError, LedgerUnavailableError
from tests.anvil import CHAIN_ID, GWEI

pytest_plugins = ["rpc_fixtures"]


def leave_out(rpc: RpcBench, base_fee: int) -> None:
    """A block whose base fee is above what the waiting transaction offers."""
    rpc.anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
    rpc.anvil.mine()


def signed_behind(first: Attempt, rpc: RpcBench) -> Attempt:
    """The same call under the writer's next number."""
    fees = {"maxFeePerGas": first.fees.most, "maxPriorityFeePerGas": first.fees.priority}
    call = {"to": rpc.contract, "data": anchor_call(word("job"), root=ROOT, count=5), "gas": first.gas}
    signed = Account(Secret(WRITER_KEY)).sign({"chainId": CHAIN_ID, "nonce": first.nonce + 1, **fees, **call})
    return replace(first, nonce=first.nonce + 1, raw=signed.raw, hash=signed.hash)


def test_a_transaction_stuck_below_the_base_fee_is_replaced_under_its_own_number(rpc: RpcBench) -> None:
    with anchoring(rpc.ledger()) as outcome:
        wait_until(lambda: rpc.outbox().state() == State.SENT)
        leave_out(rpc, 30 * GWEI)
        wait_until(lambda: len(rpc.outbox().attempts()) > 1)
        with rpc.anvil.mining():
            wait_until(lambda: bool(outcome))
    assert isinstance(outcome[0], Anchor)
    *replacements, first = rpc.outbox().attempts()
    assert {each.nonce for each in replacements} == {first.nonce}
    assert min(each.fees.most for each in replacements) > 30 * GWEI > first.fees.most
    assert outcome[0].transaction in {each.hash for each in replacements}
    assert rpc.anvil.nonce(WRITER) == 1


def test_no_more_is_offered_than_the_cap_and_what_was_signed_goes_in_later(rpc: RpcBench) -> None:
    dear = rpc.ledger(max_fee=3 * GWEI, wait_s=1.2, bump_after_s=0.1)
    with anchoring(dear) as outcome:
        wait_until(lambda: rpc.outbox().state() == State.SENT)
        leave_out(rpc, 30 * GWEI)
    assert isinstance(outcome[0], LedgerUnavailableError)
    attempts = rpc.outbox().attempts()
    assert all(each.fees.most <= 3 * GWEI for each in attempts)
    rpc.anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    with rpc.anvil.mining():
        made = rpc.ledger(max_fee=3 * GWEI).anchor(word("job"), root=ROOT, count=5)
    assert made.transaction == attempts[0].hash


@pytest.mark.parametrize("depth", [1, 2])
def test_a_transaction_whose_block_is_reorganised_away_is_sent_again_as_it_was(rpc: RpcBench, depth: int) -> None:
    with anchoring(rpc.ledger(confirmations=4, bump_after_s=60)) as outcome:
        wait_until(lambda: rpc.anvil.pool() == 1)
        rpc.anvil.mine(depth)
        wait_until(lambda: rpc.outbox().state() == State.INCLUDED)
        rpc.anvil.ask("anvil_reorg", depth, [])
        wait_until(lambda: rpc.anvil.pool() == 1)
        with rpc.anvil.mining():
            wait_until(lambda: bool(outcome))
    first_signed = rpc.outbox().attempts()[-1]
    assert isinstance(outcome[0], Anchor)
    assert outcome[0].transaction == first_signed.hash
    assert len(rpc.events()) == 1


def test_what_was_signed_behind_a_block_that_is_no_more_does_not_keep_the_older_one_from_going_in(
    rpc: RpcBench,
) -> None:
    with pytest.raises(LedgerUnavailableError, match="within"):
        rpc.ledger(wait_s=0.2).anchor(word("job"), root=ROOT, count=5)
    (first,) = rpc.outbox().attempts()
    rpc.outbox().keep(signed_behind(first, rpc))
    rpc.anvil.ask("anvil_dropAllTransactions")
    with rpc.anvil.mining():
        made = rpc.ledger(bump_after_s=60).anchor(word("job"), root=ROOT, count=5)
    assert made.transaction == first.hash


def test_a_transaction_that_the_node_forgets_is_sent_again_as_it_was(rpc: RpcBench) -> None:
    with anchoring(rpc.ledger(bump_after_s=60)) as outcome:
        wait_until(lambda: rpc.anvil.pool() == 1)
        rpc.anvil.ask("anvil_dropAllTransactions")
        wait_until(lambda: rpc.anvil.pool() == 1)
        with rpc.anvil.mining():
            wait_until(lambda: bool(outcome))
    (attempt,) = rpc.outbox().attempts()
    assert isinstance(outcome[0], Anchor)
    assert outcome[0].transaction == attempt.hash


def test_a_lost_transaction_is_sent_again_as_it_was_by_the_next_run(rpc: RpcBench) -> None:
    with pytest.raises(LedgerUnavailableError, match="within"):
        rpc.ledger(wait_s=0.2).anchor(word("job"), root=ROOT, count=5)
    rpc.anvil.ask("anvil_dropAllTransactions")
    with rpc.anvil.mining():
        made = rpc.ledger().anchor(word("job"), root=ROOT, count=5)
    assert [made.transaction] == [each.hash for each in rpc.outbox().attempts()]


@pytest.mark.parametrize("machines", [("here", "here"), ("here", "there")], ids=["one machine", "two machines"])
def test_two_senders_with_one_key_lose_no_job(rpc: RpcBench, machines: tuple[str, str]) -> None:
    """On one machine they take turns; on two, who loses a number takes the next one."""

    def anchor(number: int) -> Anchor:
        ledger = rpc.ledger(f"job {number}", machine=machines[number % 2])
        return ledger.anchor(word(f"job {number}"), root=word(f"root {number}"), count=number)

    with rpc.anvil.mining(), ThreadPoolExecutor(2) as pool:
        anchors = list(pool.map(anchor, range(6)))
    assert [each.root for each in anchors] == [word(f"root {number}") for number in range(6)]
    assert [len(rpc.events(f"job {number}")) for number in range(6)] == [1] * 6
    if machines[0] == machines[1]:
        assert rpc.anvil.nonce(WRITER) == 6


def test_two_senders_of_one_job_anchor_it_once(rpc: RpcBench) -> None:
    def anchor(machine: str) -> Anchor:
        return rpc.ledger(machine=machine).anchor(word("job"), root=ROOT, count=5)

    with rpc.anvil.mining(), ThreadPoolExecutor(2) as pool:
        one, other = pool.map(anchor, ("here", "there"))
    assert one == other
    assert len(rpc.events()) == 1


def test_a_signer_held_by_another_process_for_too_long_is_told(rpc: RpcBench) -> None:
    with anchoring(rpc.ledger("first")) as outcome:
        wait_until(lambda: rpc.anvil.pool() == 1)
        with pytest.raises(LedgerUnavailableError, match="another process"):
            rpc.ledger("second", wait_s=0.1).anchor(word("second"), root=ROOT, count=5)
        with rpc.anvil.mining():
            wait_until(lambda: bool(outcome))


def test_what_was_signed_for_one_ledger_goes_to_no_other(rpc: RpcBench) -> None:
    with pytest.raises(LedgerUnavailableError):
        rpc.ledger(wait_s=0.1).anchor(word("job"), root=ROOT, count=5)
    with rpc.anvil.mining():
        rpc.contract = rpc.owner.deploy().contract
    with pytest.raises(LedgerError, match="on its way to"):
        rpc.ledger().anchor(word("job"), root=ROOT, count=5)


def test_a_first_offer_stands_while_the_base_fee_doubles_and_keeps_to_the_cap() -> None:
    assert first_offer(10, 3, cap=100) == Fees(23, 3)
    assert first_offer(50, 30, cap=100) == Fees(100, 30)
    assert first_offer(50, 30, cap=20) == Fees(20, 20)


def test_a_higher_offer_is_one_that_nodes_take_as_a_replacement_or_none() -> None:
    raised = higher_offer(Fees(1000, 100), 10, 3, cap=2000)
    assert raised
    assert raised.most >= 1100
    assert raised.priority >= 110
    assert higher_offer(Fees(1000, 100), 900, 100, cap=2000) == Fees(1900, 113)
    assert higher_offer(Fees(1000, 100), 900, 100, cap=1100) is None
