"""The page that may ask a node, as a browser runs it, against a real node."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pipelines.results.leaves import leaf_of
from pipelines.results.ledger.rpc import RpcLedger
from pipelines.results.ledger.rpc.account import Account, Secret, SignerSource
from pipelines.results.ledger.rpc.administering import Owner
from pipelines.results.ledger.rpc.ledger import Chain
from pipelines.results.ledger.rpc.node import Node
from pipelines.results.ledger.rpc.terms import Terms
from pipelines.results.proofs.page import render_page
from pipelines.results.proofs.proof import Proof
from tests.anvil import CHAIN_ID, GWEI, Anvil, find_anvil, free_port
from tests.integration.test_report_page import FLAGS, chromium

__all__ = ["chromium"]

KEY = "11" * 32
JOB, SALT, CIPHERTEXT = "ab" * 32, bytes(32), bytes([7]) * 32


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    program = find_anvil()
    if program is None:
        pytest.skip("anvil is absent: run `make services`")
    node = Anvil(program)
    yield node
    node.stop()


@pytest.fixture(scope="module")
def proof(anvil: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Proof:
    """Of the one record of a job that is anchored on the node."""
    home = tmp_path_factory.mktemp("chain")
    terms = Terms(confirmations=1, max_fee=100 * GWEI, wait_s=10, bump_after_s=5, poll_s=0.02)
    account = Account(Secret(KEY))
    anvil.fund(account.address)
    root = leaf_of(job=JOB, index=0, ciphertext=CIPHERTEXT, salt=SALT)
    with anvil.mining():
        owner = Owner(Node(anvil.url, timeout_s=3), account, chain_id=CHAIN_ID, terms=terms, locks=home / "locks")
        chain = Chain(anvil.url, CHAIN_ID, owner.deploy().contract, timeout_s=3)
        source = SignerSource(key=Secret(KEY))
        ledger = RpcLedger(chain, source, terms=terms, locks=home / "locks", outbox=home / "outbox.sqlite")
        anchor = ledger.anchor(bytes.fromhex(JOB), root=root, count=1)
    facts = {
        name: getattr(anchor, name) for name in ("chain_id", "contract", "code_hash", "transaction", "block", "time")
    }
    hashes = {"job": JOB, "ciphertext": CIPHERTEXT.hex(), "salt": SALT.hex(), "root": root.hex()}
    values: dict[str, Any] = {"index": 0, "size": 1, "path": "", "ledger": "rpc", **hashes, **facts}
    return Proof(**values)


class Page:
    """The page with its button pressed as soon as it is there, which a browser without a person cannot do."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        whole = render_page(asks=True)
        script = re.search(r"<script>(.*)</script>", whole, re.DOTALL)
        assert script
        pressed = script[1] + '\ndocument.getElementById("ask").click();\n'
        before, after = (b64encode(sha256(text.encode()).digest()).decode() for text in (script[1], pressed))
        (folder / "asks.html").write_text(whole.replace(script[1], pressed).replace(before, after), "utf-8")

    def answer(self, proof: Proof, node: str) -> tuple[str, str]:
        link = urlencode({"proof": json.dumps(asdict(proof)), "node": node})
        profile = f"--user-data-dir={self._folder / 'profile'}"
        wait = "--virtual-time-budget=30000"
        address = f"{(self._folder / 'asks.html').as_uri()}#{link}"
        done = subprocess.run(
            [self._program, *FLAGS, profile, wait, "--dump-dom", address],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        found = re.search(r'id="answer"[^>]*class="(\w*)"[^>]*><p class="headline">([^<]*)</p>', done.stdout)
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        return found[1], found[2]


@pytest.fixture(scope="module")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(chromium, tmp_path_factory.mktemp("asks"))


def test_a_good_proof_holds_on_its_chain(page: Page, proof: Proof, anvil: Anvil) -> None:
    state, headline = page.answer(proof, anvil.url)
    assert (state, "holds on the chain" in headline) == ("good", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chain_id": CHAIN_ID + 1}, "another chain"),
        ({"contract": "0x" + "55" * 20}, "no contract"),
        ({"code_hash": "0x" + "44" * 32}, "no registry"),
        ({"transaction": "0x" + "33" * 32}, "another transaction"),
        ({"block": 1}, "another block"),
        ({"time": 1}, "another block"),
        ({"ledger": "embedded"}, "No node knows"),
    ],
    ids=str,
)
def test_a_bad_proof_does_not(page: Page, proof: Proof, anvil: Anvil, change: dict[str, object], said: str) -> None:
    state, headline = page.answer(replace(proof, **change), anvil.url)  # type: ignore[arg-type] # values of the parameters
    assert state == "bad"
    assert said in headline


def test_a_job_that_was_never_anchored_and_another_root_are_refused(page: Page, proof: Proof, anvil: Anvil) -> None:
    """Each with a path that does lead to its root."""
    job = "cd" * 32
    other = leaf_of(job=job, index=0, ciphertext=CIPHERTEXT, salt=SALT).hex()
    assert "knows nothing" in page.answer(replace(proof, job=job, root=other), anvil.url)[1]
    forged = leaf_of(job=JOB, index=0, ciphertext=bytes(32), salt=SALT).hex()
    assert "another root" in page.answer(replace(proof, ciphertext="00" * 32, root=forged), anvil.url)[1]


def test_a_node_that_is_away_is_told(page: Page, proof: Proof) -> None:
    assert "does not answer" in page.answer(proof, f"http://127.0.0.1:{free_port()}")[1]
    assert "https://" in page.answer(proof, "nothing")[1]


def test_the_page_that_does_not_ask_may_not_connect() -> None:
    assert "connect-src" not in render_page()
    assert "fetch(" not in render_page()
    assert "nothing is sent anywhere, and no key" in render_page()
