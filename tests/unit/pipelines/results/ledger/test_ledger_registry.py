from __future__ import annotations

import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from eth_abi import encode
from eth_utils import keccak
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.ledger.compile_registry import compile_registry, write_registry
from pipelines.results.ledger.registry import (
    Binding,
    Entry,
    anchor_call,
    anchored_call,
    load_registry,
    read_binding,
    read_entry,
    revert_reason,
)

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["ledger_fixtures"]

FOLDER = resources.files("pipelines.results.ledger")
ANSWER = ["bytes17", "uint40", "uint40", "uint40"]


def test_the_committed_registry_is_what_its_source_compiles_to(tmp_path: Path) -> None:
    pytest.importorskip("vyper", reason="vyper is a development extra")
    write_registry(tmp_path / "registry.json")
    assert (tmp_path / "registry.json").read_text() == FOLDER.joinpath("registry.json").read_text()
    assert compile_registry()["code_hash"] == load_registry().code_hash


def test_the_committed_registry_names_the_source_beside_it() -> None:
    named = json.loads(FOLDER.joinpath("registry.json").read_text())["source_sha256"]
    assert named == hashlib.sha256(FOLDER.joinpath("registry.vy").read_bytes()).hexdigest()


def test_the_deployed_code_has_the_committed_hash(laid_ledger: Path) -> None:
    found = EmbeddedLedger(laid_ledger).find(word("job"))
    assert found is not None
    assert found.code_hash == load_registry().code_hash


def test_calls_are_laid_out_as_the_contract_abi_says() -> None:
    job, root = word("job"), word("root")
    selector = keccak(text="anchor(bytes32,bytes32,uint40)")[:4]
    assert anchor_call(job, root=root, count=258) == selector + job + root + bytes(30) + b"\x01\x02"
    assert anchored_call(job) == keccak(text="anchored(bytes32)")[:4] + job


def test_a_binding_is_read_back_from_an_anchors_call_only() -> None:
    job, root = word("job"), word("root")
    call = anchor_call(job, root=root, count=1)
    assert read_binding(call) == Binding(job, root, 1)
    for other in (anchored_call(job), b"", call[:-1], call[:4] + b"\xff" * 96):
        assert read_binding(other) is None


def test_an_answer_becomes_an_entry_and_zeros_none() -> None:
    tag = word("root")[:17]
    assert read_entry(encode(ANSWER, (tag, 5, 6, 7))) == Entry(tag=tag, count=5, block=6, time=7)
    assert read_entry(encode(ANSWER, (bytes(17), 0, 0, 0))) is None


def test_an_entry_fits_its_own_root_and_count_only() -> None:
    entry = Entry(tag=word("root")[:17], count=5, block=6, time=7)
    assert entry.fits(word("root"), 5)
    assert not entry.fits(word("root"), 6)
    assert not entry.fits(word("other"), 5)


@pytest.mark.parametrize("answer", [b"", bytes(127), b"\xff" * 128])
def test_an_answer_that_is_not_the_registrys_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not the registry's"):
        read_entry(answer)


def test_a_revert_is_told_with_its_reason() -> None:
    assert revert_reason(keccak(text="Error(string)")[:4] + encode(["string"], ["zero job"])) == "zero job"
    assert revert_reason(b"") == "no reason given"
