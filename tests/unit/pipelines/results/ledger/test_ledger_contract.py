from __future__ import annotations

import pytest
from eth_utils import keccak
from ledger_bench import OWNER, STRANGER, Bench
from ledger_programs import word

from pipelines.results.ledger.registry import anchor_call, anchored_call, encode_call, read_entry
from pipelines.results.ledger.signer import Signer
from sievert.errors import LedgerError

pytest_plugins = ["ledger_fixtures"]

JOB, ROOT = word("job"), word("root")
ADD, REMOVE = "add_writer(address)", "remove_writer(address)"


@pytest.mark.parametrize(
    ("signer", "data", "reason"),
    [
        (STRANGER, anchor_call(JOB, root=ROOT, count=1), "only a writer"),
        (OWNER, anchor_call(bytes(32), root=ROOT, count=1), "zero job"),
        (OWNER, anchor_call(JOB, root=bytes(32), count=1), "zero root"),
        (STRANGER, encode_call(ADD, STRANGER.address), "only the owner"),
        (STRANGER, encode_call(REMOVE, OWNER.address), "only the owner"),
        (OWNER, encode_call(ADD, bytes(20)), "zero address"),
        (OWNER, encode_call(REMOVE, bytes(20)), "zero address"),
        (OWNER, encode_call(REMOVE, STRANGER.address), "no such writer"),
        (OWNER, b"\x00\x00\x00\x00", "no reason given"),
    ],
    ids=[
        "writer",
        "job",
        "root",
        "owner adds",
        "owner removes",
        "adds zero",
        "removes zero",
        "no writer",
        "no function",
    ],
)
def test_the_registry_refuses_with_its_reason(bench: Bench, signer: Signer, data: bytes, reason: str) -> None:
    with pytest.raises(LedgerError, match=f"refuses: {reason}"):
        bench.send(signer, data)


@pytest.mark.parametrize("root", [ROOT, word("other root")], ids=["same", "other"])
def test_a_job_takes_no_second_root_not_even_the_same(bench: Bench, root: bytes) -> None:
    bench.send(OWNER, anchor_call(JOB, root=ROOT, count=1))
    with pytest.raises(LedgerError, match="refuses: job already anchored"):
        bench.send(OWNER, anchor_call(JOB, root=root, count=1))


def test_an_anchor_keeps_the_roots_tag_count_block_and_time(bench: Bench) -> None:
    bench.send(OWNER, anchor_call(JOB, root=ROOT, count=2**40 - 1))
    entry = read_entry(bench.ask(anchored_call(JOB)))
    assert entry is not None
    assert (entry.tag, entry.count, entry.block, entry.time) == (ROOT[:17], 2**40 - 1, 2, 1_001)


def test_a_block_from_the_year_36812_is_refused(bench: Bench) -> None:
    with pytest.raises(LedgerError, match="refuses: block out of range"):
        bench.send(OWNER, anchor_call(JOB, root=ROOT, count=1), now=2**40)


def test_an_anchor_costs_a_writer_at_most_50_500_gas(bench: Bench) -> None:
    bench.send(OWNER, encode_call(ADD, STRANGER.address))
    full = b"\xff" * 32
    sent = bench.send(STRANGER, anchor_call(full, root=full, count=2**40 - 1))
    receipt = bench.chain._chain.get_transaction_receipt(sent.hash)
    assert receipt.gas_used <= 50_500


def test_an_anchor_is_announced(bench: Bench) -> None:
    sent = bench.send(OWNER, anchor_call(JOB, root=ROOT, count=9))
    receipt = bench.chain._chain.get_transaction_receipt(sent.hash)
    (log,) = receipt.logs
    topics = [topic.to_bytes(32, "big") for topic in log.topics]
    assert topics == [keccak(text="Anchored(bytes32,bytes32,uint40)"), JOB, ROOT]
    assert int.from_bytes(log.data) == 9


def test_a_writer_may_anchor_from_when_it_is_added_until_it_is_removed(bench: Bench) -> None:
    bench.send(OWNER, encode_call(ADD, STRANGER.address))
    bench.send(STRANGER, anchor_call(JOB, root=ROOT, count=1))
    bench.send(OWNER, encode_call(REMOVE, STRANGER.address))
    with pytest.raises(LedgerError, match="only a writer"):
        bench.send(STRANGER, anchor_call(word("later"), root=ROOT, count=1))
    assert read_entry(bench.ask(anchored_call(JOB))) is not None


def test_a_writer_that_is_not_the_owner_adds_nobody(bench: Bench) -> None:
    bench.send(OWNER, encode_call(ADD, STRANGER.address))
    with pytest.raises(LedgerError, match="only the owner"):
        bench.send(STRANGER, encode_call(ADD, word("third")[:20]))


def test_a_call_changes_nothing(bench: Bench) -> None:
    data = anchor_call(JOB, root=ROOT, count=1)
    assert bench.chain.call(bench.address, data, sender=OWNER.address) == b""
    assert read_entry(bench.ask(anchored_call(JOB))) is None


def test_the_owner_is_who_deployed(bench: Bench) -> None:
    assert bench.ask(encode_call("owner()"))[12:] == OWNER.address


def test_every_local_chain_starts_from_the_same_block(bench: Bench) -> None:
    blocks = list(bench.chain.walk())
    assert [block.number for block in blocks] == [1]
    assert bench.chain.block(0).time == 0
