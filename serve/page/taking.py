"""Takes one job's committed shards into the index: each once, and a bad one costs itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.results.opening import check_openable, open_rows
from pipelines.results.rolling.reading import open_spooled, read_open_header, spooled_bytes
from serve.page.case import row_of
from sievert.errors import (
    IntegrityError,
    KeyStoreError,
    SievertError,
    StorageError,
    UnfinishedError,
    WrongKeyError,
)

if TYPE_CHECKING:
    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import JobHeader, OutFolder
    from serve.page.casetable import CaseTable


@dataclass(slots=True)
class TakenJob:
    """A job, and how far it is in the index.

    Attributes:
        out: Its folder.
        header: As it was first read; None as long as it cannot be.
        shards: Those that are in the index.
        bad: Shards that cannot be opened: why, and what the file's state was, by number.
        spooled: Size of an open job's spool when it was last read.
        open_rows: Records of an open job that are in the index.
        problem: Why nothing more can be taken in; empty where all is well.
        marks: The marks of erasure that were applied.
    """

    out: OutFolder
    header: JobHeader | None = None
    shards: set[int] = field(default_factory=set)
    bad: dict[int, tuple[str, tuple[int, int]]] = field(default_factory=dict)
    spooled: int = 0
    open_rows: int = 0
    problem: str = ""
    marks: frozenset[str] = frozenset()

    @property
    def warnings(self) -> list[str]:
        """What the list is to say of it."""
        name = f"Job {self.header.job[:12]}" if self.header else "A job"
        told = [f"{name}: {self.problem}."] if self.problem else []
        return told + [f"{name}, shard {shard}: {why}." for shard, (why, _) in sorted(self.bad.items())]


def take(job: TakenJob, keys: KeyStore, table: CaseTable) -> None:
    """Take in what was committed since, and let go of who was erased since."""
    try:
        header, shards = check_openable(job.out, keys)
    except UnfinishedError:
        _take_open(job, keys, table)
        return
    except SievertError as error:
        job.problem = _told(error)
        return
    job.header, job.problem = header, ""
    for shard in shards:
        if shard not in job.shards and not _is_known_bad(job, shard):
            _take_shard(job, header, shard, keys, table)
    if not keys.is_exported:
        _let_go(job, header.job, keys, table)


def _take_open(job: TakenJob, keys: KeyStore, table: CaseTable) -> None:
    """What a rolling job holds that takes further records; once it is closed, its shards hold the same."""
    try:
        job.header = header = read_open_header(job.out)
        size = spooled_bytes(keys, header.job)
        if size != job.spooled:
            opened = open_spooled(keys, header.job, first=job.open_rows)
            table.add(
                row_of(row, job=header.job, planned=header.created, shard=row.index // header.shard_size)
                for row in opened
            )
            job.spooled, job.open_rows = size, max([job.open_rows, *(row.index + 1 for row in opened)])
    except SievertError as error:
        job.problem = "" if isinstance(error, StorageError) else _told(error)  # it is being closed in this moment
    else:
        job.problem = ""
        _let_go(job, header.job, keys, table)


def _take_shard(job: TakenJob, header: JobHeader, shard: int, keys: KeyStore, table: CaseTable) -> None:
    seen = _state(job, shard)
    try:
        opened = open_rows(job.out, keys, header, shard, wanted=lambda _: True)
        job_id, planned = header.job, header.created
        table.add(row_of(row, job=job_id, planned=planned, shard=shard) for row in opened.rows)
    except SievertError as error:
        job.bad[shard] = _told(error), seen
    except (KeyError, TypeError, ValueError):  # sealed by the right key, and yet no record of ours
        job.bad[shard] = "it holds a record that this version cannot read", seen
    else:
        job.shards.add(shard)
        job.bad.pop(shard, None)


def _let_go(job: TakenJob, name: str, keys: KeyStore, table: CaseTable) -> None:
    erasures = keys.erasures
    marks = erasures.of_job(name)
    if marks != job.marks:
        table.drop_patients(name, [one for one in table.patients(name) if erasures.mark(one) in marks])
        job.marks = marks


def _is_known_bad(job: TakenJob, shard: int) -> bool:
    """A bad file is read again only when it was replaced."""
    return shard in job.bad and job.bad[shard][1] == _state(job, shard)


def _state(job: TakenJob, shard: int) -> tuple[int, int]:
    try:
        found = job.out.shard(shard).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _told(error: SievertError) -> str:
    if isinstance(error, WrongKeyError):
        return "it was not sealed for this key store"
    if isinstance(error, IntegrityError):
        return "it is damaged, or not as it was sealed; `sievert verify` says where"
    return "its data keys are not in the key store" if isinstance(error, KeyStoreError) else "it cannot be read now"
