from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import serve.page.verification as tested
from serve.page.casebook import CaseBook
from serve.page.query import CaseQuery
from serve.page.reviews import Reviews
from serve.page.verification import Verifier

if TYPE_CHECKING:
    from pathlib import Path

    from serve.page.case import CaseRow
    from tests.jobs import Job


def opened(job: Job, state: Path, *, fresh_s: float = 60.0) -> tuple[Verifier, CaseRow]:
    reviews = Reviews(state, identity_key=job.keys.identity_key)
    book = CaseBook(job.out.path, job.keys, reviews)
    book.refresh()
    row = book.page(CaseQuery(), me="").rows[0]
    reviews.close()
    return Verifier(book, job.ledger, fresh_s=fresh_s), row


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.fixture(params=[20_000, 0], ids=["whole job", "one record"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "WHOLE_UP_TO", request.param)


@pytest.mark.usefixtures("_both_ways")
def test_a_job_that_is_what_was_anchored_is_verified_with_its_root(finished: Job, tmp_path: Path) -> None:
    verifier, row = opened(finished, tmp_path)
    badge = verifier.verify(row)
    assert badge.state == "verified"
    assert finished.finished is not None
    assert badge.details["Root"] == finished.finished.root


@pytest.mark.usefixtures("_both_ways")
def test_one_flipped_byte_shows_at_once(copy_of_finished: Job, tmp_path: Path) -> None:
    verifier, row = opened(copy_of_finished, tmp_path / "state")
    assert verifier.verify(row).state == "verified"
    flip(copy_of_finished.out.shard(row.shard))
    badge = verifier.verify(row)
    assert badge.state == "tampered"
    assert "not what was anchored" in badge.sentence


def test_a_byte_of_another_shard_shows_too(copy_of_finished: Job, tmp_path: Path) -> None:
    verifier, row = opened(copy_of_finished, tmp_path / "state")
    flip(copy_of_finished.out.shard((row.shard + 1) % 3))
    assert verifier.verify(row).state == "tampered"


def test_a_growing_job_is_not_anchored_yet(copy_of_finished: Job, tmp_path: Path) -> None:
    for file in (copy_of_finished.out.files, copy_of_finished.out.anchor):
        file.unlink()
    verifier, row = opened(copy_of_finished, tmp_path / "state")
    assert verifier.verify(row).state == "unanchored"


def test_another_ledger_does_not_vouch_for_the_job(finished: Job, tmp_path: Path) -> None:
    from pipelines.results.ledger import EmbeddedLedger

    _, row = opened(finished, tmp_path / "state")
    reviews = Reviews(tmp_path / "state", identity_key=finished.keys.identity_key)
    book = CaseBook(finished.out.path, finished.keys, reviews)
    book.refresh()
    reviews.close()
    assert Verifier(book, EmbeddedLedger(tmp_path / "empty.sqlite")).verify(row).state in {"unknown", "tampered"}


def test_what_was_found_is_kept_while_nothing_changes(
    finished: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier, row = opened(finished, tmp_path)
    first = verifier.verify(row)
    monkeypatch.setattr(tested, "verify_job", None)
    assert verifier.verify(row) is first
