"""Codes keep the standard's words; text stays only where it looks like a machine's."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from pipelines.admit.profile.coded import REMOVED_CODE, clean_code, is_coded
from pipelines.admit.profile.echoes import Echoes
from pipelines.admit.profile.values import capped_age, is_code, is_harmless, is_number


def entry(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def triple(item: Dataset) -> tuple[str, str, str]:
    return item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (("51185008", "SCT", "John's chest"), ("51185008", "SCT", "Thoracic structure (body structure)")),
        (("113691", "DCM", ""), ("113691", "DCM", "IEC Body Dosimetry Phantom")),
        (("mm", "UCUM", "of John"), ("mm", "UCUM", "mm")),
        (("T-D3000", "SRT", "Chest of John"), ("T-D3000", "SRT", "Thoracic structure (body structure)")),
        (("J42", "99LOCAL", "John"), REMOVED_CODE),
        (("12345678", "SCT", "John"), REMOVED_CODE),
    ],
)
def test_a_public_code_stays_with_the_standards_meaning(
    given: tuple[str, str, str], left: tuple[str, str, str]
) -> None:
    item = entry(*given)
    assert is_coded(item)
    assert clean_code(item) is (given != left)
    assert triple(item) == left


@pytest.mark.parametrize("text", ["SIEMENS", "syngo MR E11", "B30f", "v2.1", "Aquilion ONE", ""])
def test_what_a_machine_says_of_itself_stays(text: str) -> None:
    assert is_harmless(text)


@pytest.mark.parametrize(
    "text", ["born 3.2.1971", "2020-01-02", "MRN 4711890", "SMITH^JOHN", "a@b.org", "http://x", "é", "x" * 65]
)
def test_what_looks_like_a_persons_goes(text: str) -> None:
    assert not is_harmless(text)


def test_codes_and_numbers_hold_nothing_else() -> None:
    assert is_code(b"ORIGINAL\\PRIMARY ")
    assert not is_code(b"Smith")
    assert not is_code(b"A" * 17)
    assert is_number(b"-1.5E3\\2 ")
    assert not is_number(b"0x10")
    assert not is_number(b"1" * 17)


@pytest.mark.parametrize(
    ("age", "capped"), [("045Y", "045Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("003M", "003M"), ("45", None)]
)
def test_ages_end_at_ninety(age: str, capped: str | None) -> None:
    assert capped_age(age) == capped


def test_words_that_name_somebody_are_recognised_elsewhere() -> None:
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID, dataset.InstitutionName = "Müller^Ann Sophie", "AB-4711", "St Mary Hospital"
    echoes = Echoes(dataset)
    assert echoes.within("for mrs MÜLLER")
    assert echoes.within("AB4711 or 4711")
    assert echoes.within("mary")
    assert not echoes.within("GE hospital unit")  # too common a word to name one
