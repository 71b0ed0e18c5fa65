"""A proof is held against the chain that it names itself, over any node of it, without settings or key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_programs import word
from rpc_bench import RpcBench

from pipelines.results.leaves import leaf_of
from pipelines.results.proofs.asking import ask_node
from pipelines.results.proofs.proof import Proof, root_of_proof
from sievert.cli.main import run
from sievert.errors import AnchorError, ConfigError, LedgerError, LedgerUnavailableError, ProofError
from tests.anvil import CHAIN_ID, free_port

pytest_plugins = ["rpc_fixtures"]

JOB, SALT, CIPHERTEXT = word("proven job").hex(), bytes(32), bytes([7]) * 32


@pytest.fixture
def proof(rpc: RpcBench) -> Proof:
    """Of the one record of a job that is anchored on the node."""
    root = leaf_of(job=JOB, index=0, ciphertext=CIPHERTEXT, salt=SALT)
    with rpc.anvil.mining():
        anchor = rpc.ledger("proven job").anchor(bytes.fromhex(JOB), root=root, count=1)
    made = Proof(
        job=JOB,
        index=0,
        size=1,
        ciphertext=CIPHERTEXT.hex(),
        salt=SALT.hex(),
        path="",
        root=root.hex(),
        ledger=anchor.kind,
        chain_id=anchor.chain_id,
        contract=anchor.contract,
        code_hash=anchor.code_hash,
        transaction=anchor.transaction,
        block=anchor.block,
        time=anchor.time,
    )
    assert root_of_proof(made) == made.root
    return made


def ask(rpc: RpcBench, proof: Proof, **changes: str) -> None:
    ask_node(proof, rpc.anvil.url, timeout_s=3, **changes)


def test_a_good_proof_holds_against_the_node(rpc: RpcBench, proof: Proof) -> None:
    ask(rpc, proof)
    ask(rpc, proof, contract=proof.contract.lower())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"root": "11" * 32}, AnchorError),
        ({"size": 2}, AnchorError),
        ({"job": "22" * 32}, AnchorError),
        ({"block": 1}, AnchorError),
        ({"time": 1}, AnchorError),
        ({"transaction": "0x" + "33" * 32}, AnchorError),
        ({"code_hash": "0x" + "44" * 32}, AnchorError),
        ({"chain_id": CHAIN_ID + 1}, LedgerError),
        ({"contract": "0x" + "55" * 20}, LedgerError),
        ({"contract": "nowhere"}, ProofError),
        ({"ledger": "embedded"}, ProofError),
    ],
    ids=str,
)
def test_a_proof_that_says_something_else_does_not(
    rpc: RpcBench, proof: Proof, change: dict[str, object], problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        ask(rpc, replace(proof, **change))  # type: ignore[arg-type] # values of the parameters


def test_a_contract_of_somebody_else_is_refused_where_the_readers_own_is_named(rpc: RpcBench, proof: Proof) -> None:
    with pytest.raises(AnchorError, match="another contract"):
        ask(rpc, proof, contract="0x" + "55" * 20)


def test_a_node_that_is_away_or_none_is_told(proof: Proof) -> None:
    with pytest.raises(LedgerUnavailableError):
        ask_node(proof, f"http://127.0.0.1:{free_port()}", timeout_s=1)
    with pytest.raises(ConfigError):
        ask_node(proof, "file:///etc/passwd", timeout_s=1)


def test_the_command_asks_the_node_and_says_which_contract_must_be_known(
    rpc: RpcBench, proof: Proof, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIEVERT_STORE__LEDGER", str(tmp_path / "none.sqlite"))
    file = tmp_path / "proof.json"
    file.write_bytes(proof.encoded())
    assert run(["verify", str(file), "--rpc", rpc.anvil.url]) == 0
    assert f"contract {proof.contract}" in "".join(capsys.readouterr().out.splitlines())
    assert run(["verify", str(file), "--rpc", rpc.anvil.url, "--contract", "0x" + "55" * 20]) == AnchorError.exit_code
    assert run(["verify", str(tmp_path), "--rpc", rpc.anvil.url]) == ConfigError.exit_code
