"""The ledger on a real node, when all goes well and when the chain is not what it should be."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from ledger_programs import word
from rpc_bench import OWNER_KEY, ROOT, TERMS, WRITER, WRITER_KEY, RpcBench, anchoring, wait_until

from pipelines.results.ledger import Ledger
from pipelines.results.ledger.registry import encode_call, load_registry
from pipelines.results.ledger.rpc import RpcLedger
from pipelines.results.ledger.rpc.account import Account, Secret
from pipelines.results.ledger.rpc.administering import Owner
from pipelines.results.ledger.rpc.node import Node
from pipelines.results.ledger.rpc.outbox import State
from sievert.errors import AnchorError, LedgerError, LedgerUnavailableError
from tests.anvil import GWEI, free_port

pytest_plugins = ["rpc_fixtures"]

JOB = word("job")


def test_an_anchor_names_where_it_stands_and_is_found_again(rpc: RpcBench) -> None:
    ledger: Ledger = rpc.ledger()
    with rpc.anvil.mining():
        made = ledger.anchor(JOB, root=ROOT, count=5)
    assert (made.job, made.root, made.count, made.kind, made.sender) == (JOB, ROOT, 5, "rpc", WRITER)
    assert (made.chain_id, made.contract, made.code_hash) == (31337, rpc.contract, load_registry().code_hash)
    receipt = rpc.anvil.ask("eth_getTransactionReceipt", made.transaction)
    assert (int(receipt["blockNumber"], 16), receipt["status"]) == (made.block, "0x1")
    assert int(receipt["gasUsed"], 16) <= 50_500
    assert ledger.find(JOB) == made
    assert rpc.outbox().state() == State.FINAL


def test_anchoring_again_sends_nothing(rpc: RpcBench) -> None:
    with rpc.anvil.mining():
        made = rpc.ledger().anchor(JOB, root=ROOT, count=5)
        assert rpc.ledger(machine="there").anchor(JOB, root=ROOT, count=5) == made
    assert rpc.anvil.nonce(WRITER) == 1


def test_another_root_or_count_for_a_job_is_refused(rpc: RpcBench) -> None:
    with rpc.anvil.mining():
        rpc.ledger().anchor(JOB, root=ROOT, count=5)
        for machine, root, count in (("two", word("other"), 5), ("three", ROOT, 6)):
            with pytest.raises(AnchorError, match="another root"):
                rpc.ledger(machine=machine).anchor(JOB, root=root, count=count)
    with pytest.raises(AnchorError, match="another root"):
        rpc.ledger().anchor(JOB, root=word("other"), count=5)


def test_an_anchor_that_is_not_final_yet_is_not_found(rpc: RpcBench) -> None:
    ledger = rpc.ledger(confirmations=3)
    with anchoring(ledger) as outcome:
        wait_until(lambda: rpc.anvil.pool() == 1)
        rpc.anvil.mine(2)
        wait_until(lambda: rpc.outbox().state() == State.INCLUDED)
        assert ledger.find(JOB) is None
        assert outcome == []
        rpc.anvil.mine()
    assert outcome == [ledger.find(JOB)]


def test_a_job_that_was_never_anchored_is_not_found(rpc: RpcBench) -> None:
    assert rpc.ledger().find(word("never")) is None


def test_a_node_that_cannot_be_reached_is_told_as_such(rpc: RpcBench) -> None:
    away = replace(rpc.chain, url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(LedgerUnavailableError, match="cannot be reached"):
        rpc.ledger(chain=away).anchor(JOB, root=ROOT, count=5)


def test_a_node_that_swallows_everything_is_given_up_in_time(rpc: RpcBench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        silent = replace(rpc.chain, url=f"http://127.0.0.1:{hole.getsockname()[1]}", timeout_s=0.2)
        with pytest.raises(LedgerUnavailableError, match="in time"):
            rpc.ledger(chain=silent).anchor(JOB, root=ROOT, count=5)


def test_another_chain_is_refused_before_anything_is_signed(rpc: RpcBench) -> None:
    with pytest.raises(LedgerError, match="of chain 31337, not of chain 1"):
        rpc.ledger(chain=replace(rpc.chain, chain_id=1)).anchor(JOB, root=ROOT, count=5)
    assert rpc.outbox().state() == State.STORED


def test_an_address_without_code_is_refused_though_a_transaction_to_it_would_succeed(rpc: RpcBench) -> None:
    with pytest.raises(LedgerError, match="no contract"):
        rpc.ledger(chain=replace(rpc.chain, contract=WRITER)).anchor(JOB, root=ROOT, count=5)
    assert rpc.anvil.pool() == 0


def test_other_code_than_the_registrys_is_refused(rpc: RpcBench) -> None:
    rpc.anvil.ask("anvil_setCode", rpc.contract, "0x60016000f3")
    with pytest.raises(LedgerError, match="not the registry"):
        rpc.ledger().check()
    with pytest.raises(LedgerError, match="not the registry"):
        rpc.ledger().find(JOB)


def test_a_signer_that_cannot_pay_is_told_and_goes_on_once_it_can(rpc: RpcBench) -> None:
    rpc.anvil.fund(WRITER, 1000)
    with pytest.raises(LedgerError, match=f"{WRITER} cannot pay"):
        rpc.ledger().anchor(JOB, root=ROOT, count=5)
    assert rpc.outbox().state() == State.ROOTED
    rpc.anvil.fund(WRITER)
    with rpc.anvil.mining():
        assert rpc.ledger().anchor(JOB, root=ROOT, count=5).root == ROOT


def test_a_revoked_writer_is_told_before_it_pays_anything(rpc: RpcBench) -> None:
    with rpc.anvil.mining():
        rpc.owner.remove_writer(rpc.contract, WRITER)
    with pytest.raises(LedgerError, match=f"{WRITER} is no writer"):
        rpc.ledger().anchor(JOB, root=ROOT, count=5)
    assert rpc.anvil.pool() == 0


def test_a_writer_revoked_while_its_transaction_waits_is_told_so(rpc: RpcBench) -> None:
    with anchoring(rpc.ledger(bump_after_s=60)) as outcome:
        wait_until(lambda: rpc.outbox().state() == State.SENT)
        _revoke_first(rpc)
        with rpc.anvil.mining():
            wait_until(lambda: len(outcome) == 1)
    assert isinstance(outcome[0], LedgerError)
    assert "is no writer" in str(outcome[0])
    assert rpc.events() == []


def _revoke_first(rpc: RpcBench) -> None:
    """The owner offers more than all others, so its transaction comes first in the block."""
    owner = Account(Secret(OWNER_KEY)).address
    rpc.anvil.ask("anvil_impersonateAccount", owner)
    data = "0x" + encode_call("remove_writer(address)", WRITER).hex()
    fees = {"maxFeePerGas": hex(90 * GWEI), "maxPriorityFeePerGas": hex(50 * GWEI)}
    rpc.anvil.ask("eth_sendTransaction", {"from": owner, "to": rpc.contract, "data": data, **fees})


def test_only_the_owner_says_who_writes(rpc: RpcBench) -> None:
    account = Account(Secret(WRITER_KEY))
    stranger = Owner(Node(rpc.anvil.url, timeout_s=3), account, chain_id=31337, terms=TERMS, locks=rpc.home)
    with pytest.raises(LedgerError, match="refuses: only the owner"):
        stranger.add_writer(rpc.contract, WRITER)


def test_a_ledger_opened_for_reading_anchors_nothing(rpc: RpcBench) -> None:
    reader = RpcLedger(rpc.chain, rpc.ledger()._source, terms=rpc.ledger()._terms, locks=rpc.home)
    with pytest.raises(ValueError, match="for reading"):
        reader.anchor(JOB, root=ROOT, count=5)
