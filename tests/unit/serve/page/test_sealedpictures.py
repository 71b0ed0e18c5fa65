from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.outfolder import OutFolder, RollingHeader, read_job
from pipelines.results.rolling.closing import close_spool
from pipelines.results.rolling.job import Entry, RollingJob, Subject, picture_file, refreshed
from pipelines.results.rolling.spool import find_spools
from serve.page.casebook import CaseBook
from serve.page.query import CaseQuery
from serve.page.reviews import Reviews
from serve.page.sealedpictures import FirstOf, SealedPictures
from serve.page.verification import Verifier
from sievert.errors import ErasedError, WrongKeyError
from sievert.records import ShardCounts

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) * 20
RECORD, PATIENT = "1" * 32, "e" * 32


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    create_key_store(tmp_path / "keys")
    return KeyStore(tmp_path / "keys")


def roll(tmp_path: Path, keys: KeyStore) -> RollingJob:
    """An open rolling job with one record and its picture."""
    decision = {"labels": ["a", "b"], "positive": 1, "threshold": 0.5, "min_confidence": 0.6}
    model = {"name": "m", "version": "1", "digest": "d"}
    header = refreshed(RollingHeader("", "0", 0, 4, "", "", model, "r", decision, {}, 1, keys.fingerprint))
    job = RollingJob(tmp_path / "results", header, keys, seeds={}, to_disk=False)
    told = {"record": RECORD, "outcome": "screened", "decision": "positive", "probability": 0.9, "patient": PATIENT}
    png = cv2.imencode(".png", PICTURE)[1].tobytes()
    subject = Subject(RECORD, PATIENT, {"StudyInstanceUID": "1.2"}, png)
    job.add(Entry(subject, told, None, ShardCounts(planned=1, screened=1)))
    return job


def closed(tmp_path: Path, keys: KeyStore) -> OutFolder:
    job = roll(tmp_path, keys)
    job.release()
    (spool,) = find_spools(keys.folder)
    close_spool(spool, keys)
    return job.out


def test_the_kept_picture_has_all_its_grey_values(tmp_path: Path, keys: KeyStore) -> None:
    out = closed(tmp_path, keys)
    found = SealedPictures(keys).load(out, read_job(out), {"record": RECORD, "index": 0, "identity": {}})
    assert found is not None
    assert found.dtype == np.uint16
    assert np.array_equal(found, PICTURE)


def test_a_record_without_a_kept_picture_is_asked_of_the_next_source(tmp_path: Path, keys: KeyStore) -> None:
    out = closed(tmp_path, keys)
    picture_file(out, RECORD).unlink()

    class Other:
        def load(self, *_: Any) -> Any:  # noqa: ANN401 - of no matter
            return PICTURE

    found = FirstOf([SealedPictures(keys), Other()]).load(out, read_job(out), {"record": RECORD, "index": 0})
    assert found is PICTURE


def test_a_picture_under_another_records_name_does_not_open(tmp_path: Path, keys: KeyStore) -> None:
    out = closed(tmp_path, keys)
    picture_file(out, RECORD).rename(picture_file(out, "2" * 32))
    with pytest.raises(WrongKeyError):
        SealedPictures(keys).load(out, read_job(out), {"record": "2" * 32, "index": 0})


def test_a_study_is_on_the_list_before_its_job_is_closed_and_once_afterwards(tmp_path: Path, keys: KeyStore) -> None:
    job = roll(tmp_path, keys)
    reviews = Reviews(tmp_path / "state", identity_key=keys.identity_key)
    book = CaseBook(tmp_path / "results", keys, reviews)
    book.refresh()
    (row,) = book.page(CaseQuery(), me="").rows
    assert (book.warnings(), row.record) == ([], RECORD)
    assert book.open(row)["identity"] == {"StudyInstanceUID": "1.2"}
    out, header = book.job(row.job)
    found = SealedPictures(keys).load(out, header, book.open(row))
    assert found is not None
    assert np.array_equal(found, PICTURE)
    badge = Verifier(book, EmbeddedLedger(tmp_path / "ledger.sqlite")).verify(row)
    assert badge.state == "unanchored"
    job.release()
    (spool,) = find_spools(keys.folder)
    close_spool(spool, keys)
    book.refresh()
    assert [row.record for row in book.page(CaseQuery(), me="").rows] == [RECORD]
    assert book.open(row)["identity"] == {"StudyInstanceUID": "1.2"}
    reviews.close()


def test_a_patient_who_is_erased_leaves_the_list_of_an_open_job(tmp_path: Path, keys: KeyStore) -> None:
    roll(tmp_path, keys)
    reviews = Reviews(tmp_path / "state", identity_key=keys.identity_key)
    book = CaseBook(tmp_path / "results", keys, reviews)
    book.refresh()
    (row,) = book.page(CaseQuery(), me="").rows
    erase(keys, PATIENT, job=None, progress=lambda *_: None)
    book.refresh()
    assert book.page(CaseQuery(), me="").rows == []
    with pytest.raises(ErasedError):
        book.open(row)
    reviews.close()
