"""Keyed functions that give a patient, an object and a date new names: the same over all jobs of a site."""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import uuid
from datetime import date, timedelta

from pipelines.cohort.ids import Pseudonyms

_STANDARD = re.compile(r"1\.2\.840\.10008(\.\d{1,4}){1,9}", re.ASCII)
"""UIDs that the standard itself gives: classes, syntaxes, templates (PS3.6 Annex A). No longer number is among them."""

_DAYS = 3650
_DATE = 8


class Remap:
    """Derives what takes an identifier's place, with HMAC-SHA256 (RFC 2104) under the site's key.

    Args:
        identity_key: The site's, 32 bytes.
    """

    def __init__(self, identity_key: bytes) -> None:
        self._key = identity_key
        self._pseudonyms = Pseudonyms(identity_key)
        self.uid = functools.lru_cache(maxsize=65_536)(self._uid)

    def patient(self, patient_id: str, issuer: str, unnamed: str) -> str:
        """The pseudonym that screening uses too; of a patient without an id, one of what `unnamed` identifies."""
        named = patient_id.strip()
        return (
            self._pseudonyms.patient(named, issuer) if named else self._pseudonyms.unnamed_patient(self._hex(unnamed))
        )

    def shift_days(self, patient: str) -> int:
        """By how many days all dates of a patient move back: 1 to 3,650.

        Args:
            patient: Pseudonym.
        """
        return 1 + int.from_bytes(self._digest("shift", patient)[:8], "big") % _DAYS

    def _uid(self, uid: str) -> str:
        """A UID under 2.25 (PS3.5 B.2) made of a version 8 UUID (RFC 9562 5.8); the standard's own stay."""
        named = uid.strip(" \0")
        if not named or _STANDARD.fullmatch(named):
            return named
        digest = self._digest("uid", named)
        return f"2.25.{uuid.UUID(bytes=_versioned(digest[:16])).int}"

    def _hex(self, text: str) -> str:
        return self._digest("unnamed", text).hex()[:32]

    def _digest(self, purpose: str, text: str) -> bytes:
        framed = f"profile/{purpose}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, framed, hashlib.sha256).digest()


def _versioned(sixteen: bytes) -> bytes:
    octets = bytearray(sixteen)
    octets[6] = (octets[6] & 0x0F) | 0x80
    octets[8] = (octets[8] & 0x3F) | 0x80
    return bytes(octets)


def move_date(text: str, days: int) -> str | None:
    """A DA or DT (PS3.5 6.2) so many days earlier; its time of day stays.

    Args:
        text: `YYYYMMDD…`, `YYYY.MM.DD` (old DA), `YYYYMM…` or `YYYY…` (DT of less precision).
        days: How many.

    Returns:
        None where the text is no date, or the day would lie before the calendar.
    """
    digits = text.strip(" \0").replace(".", "", 2) if text[4:5] == "." else text.strip(" \0")
    try:
        moved = _day(digits[:_DATE]) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved:%Y%m%d}".rjust(_DATE, "0")[: min(_DATE, len(digits))] + digits[_DATE:]


def _day(digits: str) -> date:
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (4, 6, 8):
        raise ValueError("not a date")
    return date(int(digits[:4]), int(digits[4:6] or 7), int(digits[6:8] or 1))
