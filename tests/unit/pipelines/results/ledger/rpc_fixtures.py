"""Fixtures of the rpc ledger's tests; a plugin: one node a session, a snapshot a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rpc_bench import OWNER_KEY, WRITER, RpcBench

from pipelines.results.ledger.rpc.account import Account, Secret
from tests.anvil import Anvil, find_anvil


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RpcBench]:
    """A registry that OWNER has deployed and to which it has added WRITER; not to be written."""
    program = find_anvil()
    if program is None:
        pytest.skip("anvil is absent: `make services` installs it")
    anvil = Anvil(program)
    try:
        bench = RpcBench(anvil, "", tmp_path_factory.mktemp("rpc"))
        for address in (Account(Secret(OWNER_KEY)).address, WRITER):
            anvil.fund(address)
        with anvil.mining():
            bench.contract = bench.owner.deploy().contract
            bench.owner.add_writer(bench.contract, WRITER)
        yield bench
    finally:
        anvil.stop()


@pytest.fixture
def rpc(deployed: RpcBench, tmp_path: Path) -> Iterator[RpcBench]:
    """The same, as it was when the session began."""
    before = deployed.anvil.ask("evm_snapshot")
    yield replace(deployed, home=tmp_path)
    deployed.anvil.ask("evm_revert", before)
