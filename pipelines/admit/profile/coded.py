"""Coded entries (PS3.3 section 8): a public code stays with the standard's own meaning; a local one goes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEME = "CodingSchemeDesignator"
_VALUES = ("CodeValue", "LongCodeValue", "URNCodeValue")
_UNITS = frozenset(
    "1 % [degF] [hnsf'U] [ppm] {counts} {no units} {ratio} Bq Bq/ml Cel cm cm2 cm3 cm/s deg dB g g/cm3 g/ml h Hz "
    "kg keV kV kVp kPa L m m2 mA mAs mg mGy mGy.cm min ml mm mm2 mm3 mm2/s mmHg mm[Hg] ms MBq MHz mT mV nm Pa rad "
    "s T ug um um2 us uSv V W".split()
)
_RETIRED_SNOMED = ("SRT", "SNM3", "99SDM")
REMOVED_CODE = ("REMOVED", "99SIEVERT", "Removed")
"""Value, scheme and meaning that a local code is replaced by."""


def is_coded(item: Dataset) -> bool:
    """Whether an item is a coded entry."""
    return any(name in item for name in (*_VALUES, _SCHEME))


def clean_code(item: Dataset) -> bool:
    """Put the standard's own words in the place of an entry's meaning, or replace an entry that it does not know.

    Returns:
        Whether the entry said anything else.
    """
    scheme, value, meaning = (str(item.get(name, "")).strip() for name in (_SCHEME, "CodeValue", "CodeMeaning"))
    left = _looked_up(scheme, value) or REMOVED_CODE
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = left
    return left != (value, scheme, meaning)


def removed_code() -> Dataset:
    """An entry that means nothing."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = REMOVED_CODE
    return item


def _looked_up(scheme: str, value: str) -> tuple[str, str, str] | None:
    if scheme == "UCUM":
        return (value, scheme, value) if value in _UNITS else None
    if scheme in _RETIRED_SNOMED:
        modern = _snomed().get(value)
        return (value, scheme, _meanings().get(("SCT", modern), value)) if modern else None
    meaning = _meanings().get((scheme, value))
    return (value, scheme, meaning) if meaning is not None else None


@functools.cache
def _meanings() -> Mapping[tuple[str, str], str]:
    from pydicom.sr._concepts_dict import concepts

    found: dict[tuple[str, str], str] = {}
    tables: dict[str, dict[str, dict[str, tuple[str, list[int]]]]] = cast("Any", concepts)
    for scheme, words in tables.items():
        for codes in words.values():
            found.update({(scheme, code): meaning[0][:64] for code, meaning in codes.items()})
    return found


@functools.cache
def _snomed() -> Mapping[str, str]:
    from pydicom.sr._snomed_dict import mapping

    return mapping["SRT"]
