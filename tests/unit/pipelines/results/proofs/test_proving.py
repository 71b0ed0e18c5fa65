from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.results.opening import open_records
from pipelines.results.outfolder import read_job
from pipelines.results.proofs.proof import Proof, hold_against, read_proof, root_of_proof
from pipelines.results.proofs.proving import prove_record
from pipelines.results.shardfile import read_shard
from sievert.errors import AnchorError, DataError, IntegrityError, ProofError, UnfinishedError
from tests.jobs import Job

MARKS = {"anchor.json": b'"root": "', "files.json": b'"sha256": "'}
"""Before a hash that a proof is made from."""


@pytest.fixture(scope="module")
def proof(finished: Job) -> Proof:
    return prove_record(finished.out, first_record(finished))


def changed(proof: Proof, values: dict[str, object]) -> Proof:
    return read_proof(json.dumps(json.loads(proof.encoded()) | values).encode())


def first_record(job: Job) -> str:
    return read_shard(job.out.shard(0)).rows[0].record


def test_every_record_of_a_job_is_proven_screened_or_not(finished: Job) -> None:
    assert finished.finished
    rows = [row for shard in range(4) for row in read_shard(finished.out.shard(shard)).rows]
    assert len(rows) == read_job(finished.out).planned
    for row in rows:
        made = prove_record(finished.out, row.record)
        assert made.index == row.index
        assert root_of_proof(made) == finished.finished.root


def test_a_proof_is_what_the_ledger_says(finished: Job, proof: Proof) -> None:
    anchor = finished.ledger.find(bytes.fromhex(proof.job))
    assert anchor
    hold_against(proof, anchor)
    for name, value in [("root", "0" * 64), ("size", proof.size + 1), ("chain_id", 1), ("transaction", "0x00")]:
        with pytest.raises(AnchorError):
            hold_against(changed(proof, {name: value}), anchor)


def test_a_proof_is_small_and_reads_back_as_it_was(proof: Proof) -> None:
    assert read_proof(proof.encoded()) == proof
    assert len(proof.encoded()) < 1500


def test_a_proof_names_no_patient_and_no_record(finished: Job, proof: Proof) -> None:
    opened = next(open_records(finished.out, finished.keys))
    text = proof.encoded().decode()
    for name in ("record", "patient", "source"):
        assert opened[name] not in text


@pytest.mark.parametrize("name", ["job", "ciphertext", "salt", "root"])
def test_a_changed_hash_is_refused(proof: Proof, name: str) -> None:
    value = getattr(proof, name)
    with pytest.raises(ProofError):
        root_of_proof(changed(proof, {name: f"{int(value, 16) ^ 1:064x}"}))


@given(st.integers(0, 255), st.data())
@settings(max_examples=30)
def test_a_bit_flipped_in_the_path_is_refused(proof: Proof, bit: int, data: st.DataObject) -> None:
    path = bytearray(b64decode(proof.path))
    path[data.draw(st.integers(0, len(path) - 1))] ^= 1 << bit % 8
    with pytest.raises(ProofError):
        root_of_proof(changed(proof, {"path": b64encode(path).decode()}))


@pytest.mark.parametrize("change", [{"index": 1}, {"size": 8}, {"size": 10**9}, {"index": 10**6}, {"path": ""}])
def test_another_place_or_tree_is_refused(proof: Proof, change: dict[str, object]) -> None:
    with pytest.raises(ProofError):
        root_of_proof(changed(proof, change))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'"proof"',
        b"[" * 8000,
        b"{" + b" " * 9000 + b"}",
    ],
)
def test_what_is_no_proof_is_refused(content: bytes) -> None:
    with pytest.raises(ProofError):
        read_proof(content)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "sievert.proof/2"},
        {"job": "0" * 63},
        {"job": "G" * 64},
        {"salt": None},
        {"index": "0"},
        {"index": -1},
        {"index": True},
        {"size": 1 << 64},
        {"path": "AAAA"},
        {"path": "!"},
        {"path": None},
        {"contract": 1},
        {"more": 1},
    ],
)
def test_a_proof_with_a_part_that_cannot_be_is_refused(proof: Proof, change: dict[str, object]) -> None:
    with pytest.raises(ProofError):
        read_proof(json.dumps(json.loads(proof.encoded()) | change).encode())


def test_a_record_that_the_job_does_not_have_is_told(finished: Job) -> None:
    with pytest.raises(DataError, match="no such record"):
        prove_record(finished.out, "0" * 32)


def test_a_job_that_is_not_anchored_proves_nothing_yet(finished: Job, tmp_path: Path) -> None:
    job = finished.copied(tmp_path / "out")
    job.out.anchor.unlink()
    with pytest.raises(UnfinishedError):
        prove_record(job.out, first_record(job))


@pytest.mark.parametrize("name", ["roots.bin", "files.json", "anchor.json", "results/shard-00003.parquet"])
@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_nothing_is_proven_from_a_folder_that_was_changed(finished: Job, tmp_path: Path, name: str, how: str) -> None:
    job = finished.copied(tmp_path / "out")
    record, file = first_record(job), job.out.path / name
    content = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        place = content.index(MARKS[name]) + len(MARKS[name]) if name in MARKS else len(content) // 2
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        file.write_bytes(changed if how == "changed" else content[: len(content) // 2])
    with pytest.raises(IntegrityError):
        prove_record(job.out, record)


@pytest.mark.parametrize("digit", [b"g", b"`", b"0", b"\x00"])
def test_a_digit_of_a_listed_hash_that_is_another_or_none_is_told(finished: Job, tmp_path: Path, digit: bytes) -> None:
    job = finished.copied(tmp_path / "out")
    content = job.out.files.read_bytes()
    place = content.index(MARKS["files.json"]) + len(MARKS["files.json"])
    other = digit if content[place : place + 1] != digit else b"1"
    job.out.files.write_bytes(content[:place] + other + content[place + 1 :])
    with pytest.raises(IntegrityError):
        prove_record(job.out, first_record(job))
