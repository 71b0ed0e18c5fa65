"""Stable pseudonyms: keyed hashes that mean nothing without the site's key."""

from __future__ import annotations

import hashlib
import hmac

ID_BYTES = 16
"""128 bits: a collision among 10⁸ records has a chance of 10⁻²²."""


class Pseudonyms:
    """Derives record ids and patient pseudonyms with HMAC-SHA256 (RFC 2104), the same over all jobs of a site.

    Args:
        key: The site's identity key, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def record(self, source: str, content_sha256: bytes) -> str:
        """The record's id, 32 hexadecimal digits, from where the input lies and what it holds."""
        return self._derive(b"record", _bytes(source), content_sha256)

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """The patient's pseudonym, 32 hexadecimal digits, from PatientID and its issuer (PS3.3 C.7.1.1)."""
        return self._derive(b"patient", _bytes(issuer.strip()), _bytes(patient_id.strip()))

    def unnamed_patient(self, record: str) -> str:
        """The pseudonym where no patient is named: the input is its own."""
        return self._derive(b"unnamed", record.encode("ascii"))

    def series(self, uid: str) -> str:
        """The series' pseudonym, 32 hexadecimal digits, from SeriesInstanceUID."""
        return self._derive(b"series", _bytes(uid.strip()))

    def _derive(self, purpose: bytes, *parts: bytes) -> str:
        """Length-prefixed parts, so that no two lists of parts look alike."""
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in (purpose, *parts))
        return hmac.new(self._key, framed, hashlib.sha256).digest()[:ID_BYTES].hex()


def _bytes(text: str) -> bytes:
    """UTF-8, also of what is no Unicode: names of files are bytes, and a header may hold anything."""
    return text.encode("utf-8", "surrogatepass")
