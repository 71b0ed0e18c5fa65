"""The out folder: where each file lies, which job it belongs to, and who may write."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.results.disk import create_once, disk_errors
from pipelines.results.jobheader import JOB_SCHEMA, JobHeader, RollingHeader, canonical_json, decode_header
from sievert.errors import IntegrityError, OutFolderBusyError, OutFolderError, UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "JOB_SCHEMA",
    "JobHeader",
    "OutFolder",
    "RollingHeader",
    "canonical_json",
    "finishing",
    "freeze_job",
    "held",
    "locked_out_folder",
    "read_job",
]


@dataclass(frozen=True, slots=True)
class OutFolder:
    """Names of the files of one job."""

    path: Path

    @property
    def job(self) -> Path:
        """The job's header."""
        return self.path / "job.json"

    @property
    def plan(self) -> Path:
        """The frozen plan."""
        return self.path / "plan.parquet"

    @property
    def closed(self) -> Path:
        """How many records a rolling job came to; only such a job has it."""
        return self.path / "closed.json"

    @property
    def pictures(self) -> Path:
        """Sealed pictures of a rolling job's studies."""
        return self.path / "pictures"

    @property
    def results(self) -> Path:
        """Folder of the shards."""
        return self.path / "results"

    @property
    def quarantine(self) -> Path:
        """Table of what was refused."""
        return self.path / "quarantine.parquet"

    @property
    def roots(self) -> Path:
        """The root of each whole shard: what a proof needs of the others."""
        return self.path / "roots.bin"

    @property
    def manifest(self) -> Path:
        """The run manifest."""
        return self.path / "manifest.json"

    @property
    def report(self) -> Path:
        """The report without any picture or id."""
        return self.path / "report.html"

    @property
    def files(self) -> Path:
        """List of all other files with their hashes."""
        return self.path / "files.json"

    @property
    def anchor(self) -> Path:
        """Where and when the root was anchored."""
        return self.path / "anchor.json"

    @property
    def work(self) -> Path:
        """Drafts and journals of a run in progress; gone when the job is finished."""
        return self.path / ".work"

    @property
    def outbox(self) -> Path:
        """How far the anchor has come, on a ledger that others keep too; gone when the anchor is final."""
        return self.path / "outbox.sqlite"

    @property
    def pending(self) -> set[Path]:
        """What may lie there until the job is anchored, and never after that."""
        return {self.work, *(self.outbox.with_name(self.outbox.name + ending) for ending in ("", "-wal", "-shm"))}

    def shard(self, number: int) -> Path:
        """A shard's file."""
        return self.results / f"shard-{number:05d}.parquet"

    def finished_shards(self) -> set[int]:
        """Numbers of committed shards, found by listing."""
        return {int(file.stem.removeprefix("shard-")) for file in self.results.glob("shard-*.parquet")}

    def drop_work(self) -> None:
        """Remove drafts and journals."""
        shutil.rmtree(self.work, ignore_errors=True)

    def drop_outbox(self) -> None:
        """Remove the outbox of a job whose anchor is final."""
        for file in self.pending - {self.work}:
            with disk_errors(f"{file.name} could not be removed"):
                file.unlink(missing_ok=True)


@contextmanager
def locked_out_folder(path: Path) -> Iterator[OutFolder]:
    """Make the out folder and hold it for one run; the system lets go of it when the process dies.

    Raises:
        OutFolderError: It is a file, or holds something that is no job.
        OutFolderBusyError: Another run holds it.
        StorageError: And its kinds: it cannot be made.
    """
    out = OutFolder(path)
    with held(path):
        _refuse_strangers(out)
        with disk_errors("the out folder could not be written to"):
            out.results.mkdir(exist_ok=True)
            out.work.mkdir(exist_ok=True)
        yield out


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Make a folder and hold it, against all others who would.

    Raises:
        OutFolderError: It is a file.
        OutFolderBusyError: Another holds it.
        StorageError: And its kinds: it cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise OutFolderError("the out folder is a file")
    with disk_errors("the out folder could not be made"):
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def finishing(out: OutFolder) -> Iterator[None]:
    """Hold the end of a job, waiting for whoever holds it, and have a work folder there.

    The run's own lock is the driver's. The results actor of a driver that was killed can live on for a moment and
    finish the job while the next run does: each step is safe to repeat, but not to interleave.

    Raises:
        StorageError: And its kinds.
    """
    with disk_errors("the out folder could not be written to"):
        descriptor = os.open(out.job, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with disk_errors("the out folder could not be written to"):
            out.work.mkdir(exist_ok=True)
        yield
    finally:
        os.close(descriptor)


def freeze_job(out: OutFolder, header: JobHeader) -> None:
    """Commit the header; from here on the plan is frozen.

    Raises:
        StorageError: And its kinds.
    """
    draft = out.work / "job.json"
    with disk_errors("the job's header could not be written"):
        draft.write_bytes(header.encoded())
    create_once(draft, out.job)


def read_job(out: OutFolder) -> JobHeader:
    """The header of the job in a folder.

    Raises:
        OutFolderError: There is none.
        UnfinishedError: It is a rolling job that is still open.
        IntegrityError: It was changed.
    """
    try:
        content = out.job.read_bytes()
        header = decode_header(content, closed=lambda: _read_closed(out))
    except FileNotFoundError as error:
        raise OutFolderError("the folder holds no job", remedy="Name the --out folder of a screening.") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IntegrityError("job.json is damaged") from error
    if header.encoded() != content or not _is_sound(header):
        raise IntegrityError("job.json is not as it was written")
    return header


def _read_closed(out: OutFolder) -> int:
    """How many records a rolling job came to."""
    try:
        content = out.closed.read_bytes()
    except FileNotFoundError as error:
        raise UnfinishedError("the rolling job is still open: it takes further records") from error
    closed: dict[str, int] = json.loads(content)
    return closed["planned"]


def _is_sound(header: JobHeader) -> bool:
    """Whether the numbers that loops run over are numbers, and the shard size a power of two."""
    numbers = (header.planned, header.shard_size)
    return all(type(number) is int and number > 0 for number in numbers) and header.shard_size.bit_count() == 1


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutFolderBusyError("another run is writing to the out folder") from error
    except OSError:
        return  # a file system without locks: creating files once keeps two runs from harm


def _refuse_strangers(out: OutFolder) -> None:
    ours = {out.job.name, out.plan.name, out.results.name, out.work.name}
    if not out.job.exists() and any(entry.name not in ours for entry in out.path.iterdir()):
        raise OutFolderError("the out folder is not empty and holds no job")
