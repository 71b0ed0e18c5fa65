"""Ids as the index of cases holds them: as numbers and bytes, a third of what their texts take, in the same order."""

from __future__ import annotations

import re

_COMMITMENT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID = re.compile(r"([0-9a-f]{2})*", re.ASCII)
_DIGITS = 15
"""Hexadecimal ones of a commitment that fit SQLite's integers; two jobs of a site do not share them."""
NO_JOB = -1


def pack_job(commitment: str) -> int:
    """A number for a job's commitment; `NO_JOB` for what is none."""
    return int(commitment[:_DIGITS], 16) if _COMMITMENT.fullmatch(commitment) else NO_JOB


def pack_id(text: str) -> bytes:
    """The bytes of a record's id or of a pseudonym; what is neither finds nothing."""
    return bytes.fromhex(text) if _ID.fullmatch(text) else b"?"


def unpack_id(packed: bytes) -> str:
    """The text of what `pack_id` made."""
    return packed.hex()
