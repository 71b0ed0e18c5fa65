"""What a mirror of a bucket asks of files: digests, names, a lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from pipelines.results.outfolder import read_job
from sievert.errors import IntegrityError, SievertError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.results.outfolder import OutFolder

_CHUNK = 1 << 20


def digest(file: Path) -> str | None:
    """MD5 in hex, as S3 tells it of an object, unless it encrypts by a key of KMS; None where there is no such file."""
    total = hashlib.md5(usedforsecurity=False)
    try:
        with file.open("rb") as content:
            while part := content.read(_CHUNK):
                total.update(part)
    except OSError:
        return None
    return total.hexdigest()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait for whoever else of this machine changes a folder.

    Raises:
        StorageError: And its kinds: it is no mirror.
    """
    with disk_errors("the mirror of a bucket could not be read"):
        label = os.open(label_of(folder), os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(label, fcntl.LOCK_EX)
        yield
    finally:
        os.close(label)


def job_in(out: OutFolder) -> str | None:
    """The commitment of the job in a folder; None where there is none, or it is damaged."""
    try:
        return read_job(out).job
    except SievertError:
        return None


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        StorageError: And its kinds: it cannot be read.
    """
    with disk_errors(f"{file.name} could not be read"), file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def files_in(folder: Path, *, but: set[Path]) -> list[Path]:
    """Everything in a folder that is no folder, left out what is named and what lies in it."""
    return [path for path in folder.rglob("*") if not path.is_dir() and not but & {path, *path.parents}]


def has_its_plan(out: OutFolder) -> bool:
    """Whether the plan that the header names lies beside it."""
    try:
        return sha256_of(out.plan) == read_job(out).plan
    except SievertError:
        return False


def drop_empty_folders(folder: Path, *, but: set[Path]) -> None:
    """A folder without a file is no part of a job, and would show as one."""
    for path in sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True):
        if not but & {path, *path.parents} and not any(path.iterdir()):
            path.rmdir()


def folder_name(url: str) -> str:
    """Of the folder that stands for a bucket's URL."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def label_of(folder: Path) -> Path:
    """The file beside a folder that says which bucket it stands for."""
    return folder.with_name(f"{folder.name}.url")


def check_name(name: str) -> None:
    """What a bucket lists may come from anybody who writes to it.

    Raises:
        IntegrityError: It leads out of a folder, or is no name.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in {"..", "."} for part in name.split("/")) or "\x00" in name:
        raise IntegrityError("an object of the bucket has a name that no file of a job has")
