"""How a source is named: a path, `ARCHIVE//MEMBER`, or a URL.

A normal absolute path holds no `//`, so the three cannot be confused, and a member may have any name.
"""

from __future__ import annotations

import re

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
MARK = "//"
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def is_url(source: str) -> bool:
    """Whether it names a scheme."""
    return _URL.match(source) is not None


def is_archive(name: str) -> bool:
    """Whether a file's name is an archive's."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def name_member(archive: str, member: str) -> str:
    """The source of a member.

    Args:
        archive: Absolute, normal path.
        member: As the archive writes it.
    """
    return f"{archive}{MARK}{member}"


def split_member(source: str) -> tuple[str, str] | None:
    """Archive and member of a source; None where it is no member's."""
    if is_url(source):
        return None
    archive, mark, member = source.partition(MARK)
    return (archive, member) if mark and member else None
