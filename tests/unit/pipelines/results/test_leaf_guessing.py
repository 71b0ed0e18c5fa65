"""Who sees leaves and ciphertexts, and knows all that a record could say, still cannot tell which it says."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.results.leaves import leaf_of, record_leaf
from pipelines.results.rows import RowSealer
from pipelines.results.shardfile import SealedRow

JOB = "a" * 64


def sealed(decision: str, *, sealer: RowSealer | None = None) -> SealedRow:
    payload: dict[str, Any] = {
        "index": 0, "record": "b" * 32, "outcome": "screened", "decision": decision, "flagged": decision == "positive",
        "diagnosis": decision, "probability": 0.9 if decision == "positive" else 0.1,
    }  # fmt: skip
    sealer = sealer or RowSealer(JOB)
    return sealer.seal_row(
        index=0, record="b" * 32, patient="c" * 32, payload=payload, identity={"source": "/x"}, refusal=None
    )


@pytest.mark.parametrize("one", ["positive", "negative", "uncertain"])
def test_sealing_a_guess_gives_another_leaf_even_with_the_patients_own_key(one: str) -> None:
    sealer = RowSealer(JOB)
    target, guess = sealed(one, sealer=sealer), sealed(one, sealer=sealer)
    assert target.leaf != guess.leaf
    assert target.sealed != guess.sealed


def test_decisions_cannot_be_told_apart_by_any_length() -> None:
    rows = [sealed(decision) for decision in ("positive", "negative", "uncertain")]
    assert len({(len(row.sealed), len(row.identity), len(row.salt), len(row.leaf)) for row in rows}) == 1


def test_a_leaf_cannot_be_confirmed_without_its_salt_though_all_else_is_known() -> None:
    """A proof hands the salt out for its own record alone; leaves beside it stay closed to guesses."""
    row = sealed("positive")
    known: dict[str, Any] = {"job": JOB, "index": row.index, "sealed": row.sealed, "identity": row.identity}
    assert record_leaf(**known, salt=row.salt) == row.leaf
    guesses = (bytes(32), b"\xff" * 32, row.leaf, row.sealed[:32])
    assert not any(record_leaf(**known, salt=guess) == row.leaf for guess in guesses)
    assert len({sealed("positive").salt for _ in range(50)}) == 50


def test_leaves_of_two_jobs_or_places_differ_for_one_ciphertext() -> None:
    row = sealed("positive")
    made = {
        leaf_of(job=job, index=index, ciphertext=bytes(32), salt=row.salt)
        for job in (JOB, "d" * 64)
        for index in (0, 1)
    }
    assert len(made) == 4
