from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.ledger.file import read_file, write_file
from sievert.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger.store import Store

pytest_plugins = ["ledger_fixtures"]

JOB = word("job")
NUMBER_TO_HASH = b"block-number-to-hash:%d"


@pytest.fixture
def rows(laid_ledger: Path) -> dict[bytes, bytes]:
    return read_file(laid_ledger, dict)


def drop(path: Path, key: bytes) -> None:
    write_file(path, lambda store: store.delete(key), wait_s=1)


def put(path: Path, key: bytes, value: bytes) -> None:
    write_file(path, lambda store: store.set(key, value), wait_s=1)


def outcome(path: Path) -> str:
    """What a ledger says of JOB after it was tampered with."""
    try:
        return repr(EmbeddedLedger(path).find(JOB))
    except LedgerError:
        return "refused"


def test_a_ledger_that_lacks_a_row_never_gives_another_answer(
    ledger_path: Path, rows: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.results.ledger.file._LOOK_AGAIN_S", 0.0)
    answer, outcomes = outcome(ledger_path), []
    for key, value in rows.items():
        drop(ledger_path, key)
        outcomes.append(outcome(ledger_path))
        put(ledger_path, key, value)
    assert set(outcomes) == {answer, "refused"}
    assert outcomes.count("refused") >= 8


@pytest.mark.parametrize("number", [1, 2])
def test_a_block_under_another_blocks_number_is_refused(
    ledger_path: Path, rows: dict[bytes, bytes], number: int
) -> None:
    put(ledger_path, NUMBER_TO_HASH % number, rows[NUMBER_TO_HASH % (3 - number)])
    with pytest.raises(LedgerError):
        EmbeddedLedger(ledger_path).check()


def test_an_anchor_whose_block_is_not_on_the_chain_is_refused(ledger_path: Path, rows: dict[bytes, bytes]) -> None:
    put(ledger_path, NUMBER_TO_HASH % 2, rows[NUMBER_TO_HASH % 1])
    with pytest.raises(LedgerError, match="numbers a block wrongly"):
        EmbeddedLedger(ledger_path).find(JOB)


@pytest.mark.parametrize("number", [0, 1])
def test_a_chain_that_lacks_an_older_block_fails_its_check(
    ledger_path: Path, rows: dict[bytes, bytes], number: int
) -> None:
    drop(ledger_path, rows[NUMBER_TO_HASH % number][1:])
    assert EmbeddedLedger(ledger_path).find(JOB) is not None
    with pytest.raises(LedgerError, match="missing"):
        EmbeddedLedger(ledger_path).check()


def test_a_damaged_row_that_no_anchor_rests_on_fails_the_check(ledger_path: Path, rows: dict[bytes, bytes]) -> None:
    score = next(key for key in rows if key.startswith(b"block-hash-to-score"))

    def damage(store: Store) -> None:
        store._connection.execute("UPDATE entries SET value = x'00' WHERE key = ?", (score,))

    write_file(ledger_path, damage, wait_s=1)
    with pytest.raises(LedgerError, match="damaged"):
        EmbeddedLedger(ledger_path).check()


def test_a_whole_ledger_passes_its_check(ledger_path: Path) -> None:
    ledger = EmbeddedLedger(ledger_path)
    for number in range(5):
        ledger.anchor(word(str(number)), root=word("root"), count=number)
    ledger.check()
