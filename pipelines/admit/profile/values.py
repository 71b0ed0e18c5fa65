"""What may stand in a value: dummies, and which text is harmless."""

from __future__ import annotations

import re
from typing import Any, Final

_LONGEST = 64
_HARMLESS = re.compile(r"[A-Za-z0-9 _.,:;+\-*/()\[\]%&=#<>|\\^~'\"{}@!?]*")
_LOOKS_NAMING = re.compile(r"\d{5}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|@|\^|https?:|//|\\\\", re.ASCII)
_OLDEST_YEARS = 90
_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)

_CODE = re.compile(rb"[A-Z0-9 _\\]*\0?")
_NUMBERS = re.compile(rb"[0-9+\-.eE \\]*\0?")
_CODE_LENGTH = 16
_NUMBER_LENGTH = 16

DUMMIES: Final[dict[str, Any]] = {
    "AE": "ANONYMIZED",
    "AS": "000D",
    "CS": "ANONYMIZED",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "FD": 0.0,
    "FL": 0.0,
    "IS": "0",
    "LO": "ANONYMIZED",
    "LT": "ANONYMIZED",
    "OB": b"\0\0",
    "OW": b"\0\0",
    "PN": "ANONYMIZED",
    "SH": "ANONYMIZED",
    "SL": 0,
    "SS": 0,
    "ST": "ANONYMIZED",
    "TM": "000000",
    "UC": "ANONYMIZED",
    "UL": 0,
    "UN": b"\0\0",
    "UR": "about:blank",
    "US": 0,
    "UT": "ANONYMIZED",
}
"""By value representation (PS3.5 6.2): valid, and the same for all."""


def is_harmless(text: str) -> bool:
    """Whether text of a machine holds nothing that looks like a person's: short, plain, no date and no long number."""
    return len(text) <= _LONGEST and bool(_HARMLESS.fullmatch(text)) and not _LOOKS_NAMING.search(text)


def is_code(value: bytes) -> bool:
    """Whether bytes are what VR CS allows: up to sixteen capitals, digits, blanks and underscores a value."""
    return bool(_CODE.fullmatch(value)) and all(len(part.strip()) <= _CODE_LENGTH for part in value.split(b"\\"))


def is_number(value: bytes) -> bool:
    """Whether bytes are what VR DS or IS allows; longer than sixteen characters a value is more than a number needs."""
    return bool(_NUMBERS.fullmatch(value)) and all(
        len(part.strip(b" \0")) <= _NUMBER_LENGTH for part in value.split(b"\\")
    )


def capped_age(text: str) -> str | None:
    """An AS with 90 years for all that are older (as 45 CFR 164.514(b)(2)(i)(C) asks); None where it is no age."""
    found = _AGE.fullmatch(text.strip(" \0"))
    if found is None:
        return None
    years = int(found[1]) * {"D": 1 / 365, "W": 7 / 365, "M": 1 / 12, "Y": 1}[found[2]]
    return f"{_OLDEST_YEARS:03}Y" if years >= _OLDEST_YEARS else found[0]
