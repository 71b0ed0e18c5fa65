"""A spool on disk: written by one process, which holds its lock as long as it lives."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.rolling.frames import Frame, SpoolHeader, decode_spool, encode_frame, encode_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER, SUFFIX, DRAFT = "spools", ".spool", ".draft"
_WRITE = "the record could not be written to its spool"


def spool_file(keys: Path, job: str) -> Path:
    """A job's spool in a key store."""
    return keys / FOLDER / f"{job}{SUFFIX}"


class Spool:
    """The writer's side.

    Args:
        file: To be created.
        header: Its first frame.
        to_disk: Whether each record is on the disk, not only with the system, before `append` returns.

    Raises:
        StorageError: And its kinds.
    """

    def __init__(self, file: Path, header: SpoolHeader, *, to_disk: bool) -> None:
        self.file, self._to_disk = file, to_disk
        with disk_errors("a spool could not be created"):
            file.parent.mkdir(mode=0o700, exist_ok=True)
            draft = file.with_suffix(DRAFT)
            self._descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            # locked before it has its name: nobody must take it for a dead process's
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end = self._write(encode_header(header), 0)
            draft.replace(file)
            sync_folder(file.parent)

    def append(self, frame: Frame) -> None:
        """Add a record: once this returns, it outlives this process.

        Raises:
            StorageError: And its kinds; nothing of the record is left in the spool then.
        """
        with disk_errors(_WRITE):
            try:
                self._end = self._write(encode_frame(frame), self._end)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, self._end)
                raise

    def release(self) -> None:
        """Let go of it: whoever closes jobs takes it from here. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, content: bytes, place: int) -> int:
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._descriptor, rest, place)
            rest, place = rest[written:], place + written
        if self._to_disk:
            os.fdatasync(self._descriptor)
        return place


def read_spool(file: Path, *, first: int = 0) -> tuple[SpoolHeader | None, list[Frame]]:
    """What a spool holds now, from a leaf on; its writer may go on meanwhile.

    Raises:
        StorageError: And its kinds.
    """
    with disk_errors("a spool could not be read"):
        return decode_spool(file.read_bytes(), first=first)


def find_spools(keys: Path) -> list[Path]:
    """The spools of a key store, the oldest first."""
    files = list((keys / FOLDER).glob(f"*{SUFFIX}"))
    with suppress(OSError):
        files.sort(key=lambda file: file.stat().st_mtime)
    return files


@contextmanager
def abandoned(file: Path) -> Iterator[bool]:
    """Whether nobody writes to a spool any more; inside, nobody else closes it."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield file.exists()  # whoever held it may have finished with it since
    finally:
        os.close(descriptor)
