"""Words that name the patient or staff, wherever else in the object they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.tag import Tag

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_WORD = re.compile(r"[^\W_]{3,}")
_NAMING = tuple(
    Tag(word)
    for word in (
        "PatientName PatientID OtherPatientIDs OtherPatientNames PatientBirthName PatientMotherBirthName "
        "PatientAddress "
        "PatientTelephoneNumbers PatientBirthDate MedicalRecordLocator AccessionNumber StudyID InstitutionName "
        "InstitutionAddress ReferringPhysicianName PerformingPhysicianName OperatorsName PhysiciansOfRecord "
        "NameOfPhysiciansReadingStudy RequestingPhysician"
    ).split()
)
_COMMON = frozenset("and chest clinic dept for general hospital image unit none patient study test the unknown".split())


class Echoes:
    """Words of an object's naming attributes, to be looked for in text that would stay.

    Args:
        dataset: As read.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._words = {word for tag in _NAMING if tag in dataset for word in _words(_text(dataset, tag))} - _COMMON

    def within(self, text: str) -> bool:
        """Whether a text holds one of the words."""
        return bool(self._words) and not self._words.isdisjoint(_words(text))


def _text(dataset: Dataset, tag: int) -> str:
    try:
        return str(dataset[tag].value)
    except Exception:  # noqa: BLE001 - whatever a value makes pydicom raise: the walk removes it
        return ""


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
