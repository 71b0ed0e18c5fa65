from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.cohort.ids import Pseudonyms

KEY = bytes(32)
texts = st.text(max_size=20)


def test_ids_are_the_same_over_jobs_of_a_site_and_differ_between_sites() -> None:
    here, again, elsewhere = Pseudonyms(KEY), Pseudonyms(KEY), Pseudonyms(b"\1" * 32)
    assert here.patient("007") == again.patient("007") != elsewhere.patient("007")
    assert here.record("a", b"x") == again.record("a", b"x") != elsewhere.record("a", b"x")


@given(texts, texts, texts, texts)
def test_different_patients_have_different_pseudonyms(one: str, issuer: str, other: str, issuer2: str) -> None:
    same = (one.strip(), issuer.strip()) == (other.strip(), issuer2.strip())
    ids = Pseudonyms(KEY)
    assert (ids.patient(one, issuer) == ids.patient(other, issuer2)) is same


def test_a_record_depends_on_where_it_lies_and_what_it_holds() -> None:
    ids = Pseudonyms(KEY)
    assert len({ids.record("a", b"x"), ids.record("b", b"x"), ids.record("a", b"y"), ids.record("ax", b"")}) == 4


def test_purposes_are_apart() -> None:
    ids = Pseudonyms(KEY)
    assert ids.unnamed_patient("ab") != ids.patient("ab")


def test_an_id_is_32_hexadecimal_digits_and_a_path_that_is_no_unicode_has_one() -> None:
    assert len(bytes.fromhex(Pseudonyms(KEY).record("\udcff.dcm", b""))) == 16


def test_an_identifier_that_is_no_unicode_has_a_pseudonym() -> None:
    assert Pseudonyms(KEY).patient("\ud800") != Pseudonyms(KEY).patient("\ud801")
