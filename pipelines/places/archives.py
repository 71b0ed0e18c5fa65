"""Lists and reads members of zip and tar archives in place: nothing is unpacked, so no name can lead anywhere."""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from functools import lru_cache
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class DamagedArchiveError(Exception):
    """An archive, or a member of it, cannot be read: damaged, encrypted, or compressed in a way that is not known."""


def list_members(archive: str) -> list[str]:
    """The names of an archive's regular files, once each, in the order in which they are stored.

    Raises:
        DamagedArchiveError: It is no archive that can be read.
        OSError: The file cannot be read.
    """
    try:
        return list(dict.fromkeys(_names(_opened(archive))))
    except _DAMAGED as fault:
        raise DamagedArchiveError from fault


def read_member(archive: str, member: str, *, most: int) -> bytes:
    """The first bytes of a member, `most` of them; a header that lies of its size changes nothing.

    Raises:
        DamagedArchiveError: It cannot be unpacked.
        FileNotFoundError: The archive has no such regular file.
        OSError: The archive cannot be read.
    """
    try:
        with _opened_member(_opened(archive), member) as file:
            return file.read(most)
    except KeyError:
        raise FileNotFoundError(2, "No such file in the archive") from None
    except _DAMAGED as fault:
        raise DamagedArchiveError from fault


def _names(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[str]:
    if isinstance(archive, zipfile.ZipFile):
        return (info.filename for info in archive.infolist() if not info.is_dir())
    return (info.name for info in archive if info.isfile())


def _opened_member(archive: zipfile.ZipFile | tarfile.TarFile, member: str) -> IO[bytes]:
    if isinstance(archive, zipfile.ZipFile):
        return archive.open(member)
    info = archive.getmember(member)
    file = archive.extractfile(info) if info.isfile() else None
    if file is None:
        raise KeyError(member)
    return file


def _opened(archive: str) -> zipfile.ZipFile | tarfile.TarFile:
    status = os.stat(archive)  # noqa: PTH116 - a string, many times
    return _kept_open(archive, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _kept_open(archive: str, modified_ns: int, size: int) -> zipfile.ZipFile | tarfile.TarFile:
    """Open with its table of members read, which for a tar is a pass over the whole; until it changes."""
    del modified_ns, size
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive)
    return tarfile.open(archive)
