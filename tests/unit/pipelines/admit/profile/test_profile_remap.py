"""New names are keyed, stable and valid; intervals between dates stay."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID, CTImageStorage

from pipelines.admit.profile.remap import Remap, move_date
from pipelines.cohort.ids import Pseudonyms

KEY = b"k" * 32
REMAP = Remap(KEY)


@given(st.from_regex(r"1\.[1-9]\d{0,8}(\.[1-9]\d{0,8}){0,5}", fullmatch=True))
def test_a_uid_becomes_a_valid_one_that_is_always_the_same(uid: str) -> None:
    new = UID(REMAP.uid(uid))
    assert new.is_valid
    assert new.startswith("2.25.")
    assert new == Remap(KEY).uid(uid) == REMAP.uid(f"{uid}\0")
    assert new != Remap(b"o" * 32).uid(uid)


def test_the_standards_own_uids_stay() -> None:
    assert REMAP.uid(CTImageStorage) == CTImageStorage
    assert REMAP.uid("1.2.840.10008.12345678") != "1.2.840.10008.12345678"


def test_a_patient_has_the_pseudonym_that_screening_gives() -> None:
    assert REMAP.patient(" P1 ", "H", unnamed="x") == Pseudonyms(KEY).patient("P1", "H")
    assert REMAP.patient("", "", unnamed="x") != REMAP.patient("", "", unnamed="y")


@given(st.dates(date(1900, 1, 1)), st.dates(date(1900, 1, 1)), st.integers(1, 3650))
def test_moving_keeps_intervals(first: date, second: date, days: int) -> None:
    moved = [move_date(f"{one:%Y%m%d}", days) for one in (first, second)]
    assert moved == [f"{one - timedelta(days=days):%Y%m%d}" for one in (first, second)]


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("2024.03.01", "20240229"),
        ("20240301101112.5+0100", "20240229101112.5+0100"),
        ("202403", "202402"),
        ("SMITH", None),
        ("20241301", None),
        ("00010101", None),
        ("", None),
    ],
)
def test_every_form_of_a_date_moves_and_nothing_else_does(text: str, moved: str | None) -> None:
    assert move_date(text, 1) == moved


def test_each_patient_has_days_of_their_own() -> None:
    days = [REMAP.shift_days(f"{number:032x}") for number in range(200)]
    assert all(1 <= one <= 3650 for one in days)
    assert len(set(days)) > 150
