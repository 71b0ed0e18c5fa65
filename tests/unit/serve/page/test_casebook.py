from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.keystore import KeyStore
from pipelines.results.opening import open_records
from serve.page.casebook import CaseBook
from serve.page.query import CaseQuery
from serve.page.reviews import Reviews, Said
from serve.page.standing import Deed
from sievert.errors import ErasedError
from tests.stores import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serve.page.case import CaseRow
    from tests.jobs import Job

ALL = CaseQuery(size=200)


@pytest.fixture
def reviews(tmp_path: Path, finished: Job) -> Iterator[Reviews]:
    opened = Reviews(tmp_path / "state", identity_key=finished.keys.identity_key)
    yield opened
    opened.close()


@pytest.fixture
def results(tmp_path: Path, finished: Job) -> Path:
    """A folder with one job in a sub-folder."""
    shutil.copytree(finished.out.path, tmp_path / "results" / "one")
    return tmp_path / "results"


def rows(book: CaseBook) -> list[CaseRow]:
    return book.page(ALL, me="ada").rows


def refreshed(results: Path, keys: KeyStore, reviews: Reviews) -> CaseBook:
    book = CaseBook(results, keys, reviews)
    book.refresh()
    return book


def test_all_planned_inputs_of_a_job_are_cases(results: Path, finished: Job, reviews: Reviews) -> None:
    book = refreshed(results, finished.keys, reviews)
    assert len(rows(book)) == 26
    assert sum(row.urgency == "quarantined" for row in rows(book)) == 5
    assert book.warnings() == []


def test_the_folder_itself_may_be_the_job(finished: Job, reviews: Reviews) -> None:
    assert len(rows(refreshed(finished.out.path, finished.keys, reviews))) == 26


def test_a_case_is_opened_as_the_job_holds_it(results: Path, finished: Job, reviews: Reviews) -> None:
    book = refreshed(results, finished.keys, reviews)
    truth = next(iter(open_records(finished.out, finished.keys)))
    row = book.find(truth["job"], truth["record"])
    assert row is not None
    record = book.open(row)
    assert record["probability"] == truth["probability"] == row.probability
    assert record["identity"]["source"] == truth["source"]


def test_shards_that_are_committed_later_come_in_and_each_is_read_once(
    results: Path, finished: Job, reviews: Reviews
) -> None:
    shard = results / "one" / "results" / "shard-00001.parquet"
    (results / "one" / "files.json").unlink()  # as while a job grows
    shard.rename(results / "later")
    book = refreshed(results, finished.keys, reviews)
    assert len(rows(book)) == 18
    logged = finished.keys.log("marked").entries
    (results / "later").rename(shard)
    book.refresh()
    book.refresh()
    assert len(rows(book)) == 26
    assert finished.keys.log("marked").entries == logged + 2  # the one shard was opened once


def test_a_damaged_shard_costs_itself_and_is_told(results: Path, finished: Job, reviews: Reviews) -> None:
    shard = results / "one" / "results" / "shard-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    book = refreshed(results, finished.keys, reviews)
    assert len(rows(book)) == 18
    (warning,) = book.warnings()
    assert "shard 1" in warning
    assert "damaged" in warning
    shutil.copy(finished.out.shard(1), shard)
    book.refresh()
    assert (len(rows(book)), book.warnings()) == (26, [])


def test_another_sites_job_is_told_and_left_out(results: Path, reviews: Reviews, tmp_path: Path) -> None:
    book = refreshed(results, create_key_store(tmp_path / "other"), reviews)
    assert rows(book) == []
    assert "not sealed for this key store" in book.warnings()[0]


def test_what_is_no_job_does_no_harm(results: Path, finished: Job, reviews: Reviews) -> None:
    (results / "two").mkdir()
    (results / "two" / "job.json").write_text("{<script>")
    (results / "loop").symlink_to(results)
    book = refreshed(results, finished.keys, reviews)
    assert len(rows(book)) == 26
    assert len(book.warnings()) == 1


def test_a_job_that_is_gone_leaves_the_list(results: Path, finished: Job, reviews: Reviews) -> None:
    book = refreshed(results, finished.keys, reviews)
    shutil.rmtree(results / "one")
    book.refresh()
    assert rows(book) == []


def test_an_erased_patient_leaves_the_list_and_their_reviews_are_emptied(
    results: Path, finished: Job, tmp_path: Path
) -> None:
    shutil.copytree(finished.keys.folder, tmp_path / "keys")
    keys = KeyStore(tmp_path / "keys")
    reviews = Reviews(tmp_path / "state", identity_key=keys.identity_key)
    book = refreshed(results, keys, reviews)
    row = rows(book)[0]
    reviews.add(row.job, row.record, Said(Deed.ACKNOWLEDGE, "ada", text="secret"), patient=row.patient, seen=0)
    erase(keys, row.patient, job=None, progress=quiet)
    with pytest.raises(ErasedError):
        book.open(row)
    book.refresh()
    assert book.find(row.job, row.record) is None
    assert reviews.history(row.job, row.record)[0].text == ""
    reviews.close()


def test_reviews_of_another_process_show_in_the_list(
    results: Path, finished: Job, reviews: Reviews, tmp_path: Path
) -> None:
    book = refreshed(results, finished.keys, reviews)
    row = rows(book)[0]
    other = Reviews(tmp_path / "state", identity_key=finished.keys.identity_key)
    other.add(row.job, row.record, Said(Deed.ACKNOWLEDGE, "bob"), patient=row.patient, seen=0)
    other.close()
    assert rows(book)[0].state == "acknowledged"


def test_a_thread_keeps_the_list_up_to_date(results: Path, finished: Job, reviews: Reviews) -> None:
    book = CaseBook(results, finished.keys, reviews)
    book.start(every_s=0.05)
    until = time.monotonic() + 20
    while len(rows(book)) < 26 and time.monotonic() < until:
        time.sleep(0.05)
    book.stop()
    assert len(rows(book)) == 26
