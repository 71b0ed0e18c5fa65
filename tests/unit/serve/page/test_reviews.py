from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipelines.results.keys.erasures import Erasures
from serve.page.reviews import Reviews, Said
from serve.page.standing import Deed
from sievert.errors import IntegrityError, ReviewConflictError, WrongKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = bytes(range(32))
JOB, RECORD, PATIENT = "a" * 64, "b" * 32, "c" * 32
WORDS = "nodule in the left apex"


@pytest.fixture
def reviews(tmp_path: Path) -> Iterator[Reviews]:
    opened = Reviews(tmp_path / "state", identity_key=KEY)
    yield opened
    opened.close()


def add(reviews: Reviews, deed: Deed = Deed.ACKNOWLEDGE, *, seen: int = 0, record: str = RECORD, **more: str) -> int:
    said = Said(deed, more.pop("who", "ada"), **more)
    return reviews.add(JOB, record, said, patient=PATIENT, seen=seen).version


def disagree(reviews: Reviews, *, seen: int = 0) -> int:
    return add(reviews, Deed.DISAGREE, seen=seen, reason="missed-finding", label="pneumonia", text=WORDS)


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (folder / "state").iterdir())


def test_what_was_said_is_there_after_a_restart(reviews: Reviews, tmp_path: Path) -> None:
    disagree(reviews)
    again = Reviews(tmp_path / "state", identity_key=KEY)
    (entry,) = again.history(JOB, RECORD)
    assert (entry.who, entry.text, entry.label, entry.deed) == ("ada", WORDS, "pneumonia", Deed.DISAGREE)
    assert again.standing(JOB, RECORD).state == "disagreed"
    again.close()


def test_the_file_is_for_its_owner_alone_and_holds_no_word_in_clear(reviews: Reviews, tmp_path: Path) -> None:
    disagree(reviews)
    file = tmp_path / "state" / "reviews.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not [
        word for word in (WORDS, "ada", "missed-finding", "disagree", PATIENT) if word.encode() in on_disk(tmp_path)
    ]


def test_another_sites_key_opens_nothing(reviews: Reviews, tmp_path: Path) -> None:
    add(reviews)
    other = Reviews(tmp_path / "state", identity_key=bytes(32))
    with pytest.raises(WrongKeyError):
        other.history(JOB, RECORD)
    other.close()


def test_who_has_not_seen_the_last_word_is_refused_and_nothing_of_theirs_is_kept(reviews: Reviews) -> None:
    add(reviews)
    with pytest.raises(ReviewConflictError):
        disagree(reviews, seen=0)
    assert [entry.deed for entry in reviews.history(JOB, RECORD)] == [Deed.ACKNOWLEDGE]


def test_of_many_at_once_one_is_kept(tmp_path: Path) -> None:
    several = [Reviews(tmp_path / "state", identity_key=KEY) for _ in range(4)]

    def try_it(one: Reviews) -> bool:
        try:
            add(one)
        except ReviewConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(try_it, several)) == 1
    assert len(several[0].history(JOB, RECORD)) == 1
    for one in several:
        one.close()


def test_labels_are_what_clinicians_say_is_right_and_an_undo_takes_one_back(reviews: Reviews) -> None:
    seen = disagree(reviews)
    add(reviews, record="d" * 32)
    assert [(one["record"], one["label"], one["reviewer"]) for one in reviews.labels()] == [
        (RECORD, "pneumonia", "ada")
    ]
    add(reviews, Deed.UNDO, seen=seen)
    assert reviews.labels() == []


def test_an_erased_patients_words_are_gone_from_the_disk_and_that_something_was_said_stays(
    reviews: Reviews, tmp_path: Path
) -> None:
    disagree(reviews)
    mark = Erasures(tmp_path, KEY).mark(PATIENT)
    sealed = reviews._rows.execute("SELECT sealed FROM entry").fetchone()[0]
    assert sealed[40:80] in on_disk(tmp_path)
    assert reviews.forget(JOB, {mark}.__contains__) == 1
    (entry,) = reviews.history(JOB, RECORD)
    assert entry.erased
    assert (entry.who, entry.text, entry.label) == ("", "", "")
    assert reviews.labels() == []
    assert sealed[40:80] not in on_disk(tmp_path)


def test_other_patients_words_stay(reviews: Reviews) -> None:
    disagree(reviews)
    assert reviews.forget(JOB, {"e" * 32}.__contains__) == 0
    assert reviews.history(JOB, RECORD)[0].text == WORDS


def test_another_process_is_heard(reviews: Reviews, tmp_path: Path) -> None:
    last, _ = reviews.since(0)
    other = Reviews(tmp_path / "state", identity_key=KEY)
    add(other)
    other.close()
    number, standings = reviews.since(last)
    assert number > last
    assert [(one.record, one.state) for one in standings] == [(RECORD, "acknowledged")]
    assert reviews.since(number) == (number, [])


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "reviews.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(IntegrityError, match="damaged"):
        Reviews(folder, identity_key=KEY)
