"""The book of cases: an index over all jobs of a folder, kept up to date by a thread, and the way to open one case."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from pipelines.results.opening import open_rows
from pipelines.results.rolling.closing import is_open
from pipelines.results.rolling.reading import open_spooled
from serve.page.casetable import CasePage, CaseTable
from serve.page.joblist import find_jobs
from serve.page.taking import TakenJob, take
from sievert.errors import ErasedError, IntegrityError, SievertError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import JobHeader, OutFolder
    from serve.page.case import CaseRow
    from serve.page.query import CaseQuery
    from serve.page.reviews import Reviews

_LOG = logging.getLogger(__name__)
EVERY_S = 3.0


class CaseBook:
    """All cases of a folder of results; its methods may be called from several threads.

    Nothing that was sealed lies in clear on a disk: the index is in memory, and a case is opened anew to be shown.

    Args:
        results: Folder with out folders, finished or growing, or one out folder.
        keys: The site's key store.
        reviews: What people said.
        beside: A further folder of out folders.
    """

    def __init__(self, results: Path, keys: KeyStore, reviews: Reviews, *, beside: Path | None = None) -> None:
        self._results, self.keys, self._reviews = results, keys, reviews
        self._beside = beside
        self._table = CaseTable()
        self._jobs: dict[Path, TakenJob] = {}
        self._said, self._grown = 0, 0
        self._turn, self._hearing, self._over = threading.Lock(), threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *, every_s: float = EVERY_S) -> None:
        """Keep the index up to date until `stop`, in a thread; what is there already comes into it first of all."""
        self._over.clear()
        self._thread = threading.Thread(target=self._keep, args=(every_s,), name="case-book", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def refresh(self) -> None:
        """Take in what was committed, said or erased since."""
        with self._turn:
            beside = find_jobs(self._beside) if self._beside else []
            found = {out.path: out for out in [*find_jobs(self._results), *beside]}
            self._drop(set(self._jobs) - set(found))
            for path, out in found.items():
                take(self._jobs.setdefault(path, TakenJob(out)), self.keys, self._table)
            self._forget()
        self.hear()

    def hear(self) -> None:
        """Take in what was said since, here or by another process."""
        with self._hearing:
            grown = self._table.grown
            known = self._said if grown == self._grown else 0  # cases that came in may have been reviewed before
            last, standings = self._reviews.since(known)
            self._table.review(standings)
            self._said, self._grown = last, grown

    def page(self, query: CaseQuery, *, me: str) -> CasePage:
        """One page of the list, with what was said up to now."""
        self.hear()
        return self._table.page(query, me=me)

    def find(self, job: str, record: str) -> CaseRow | None:
        """One case's row."""
        return self._table.find(job, record)

    def neighbours(self, row: CaseRow, query: CaseQuery, *, me: str) -> tuple[CaseRow | None, CaseRow | None]:
        """The case before it in the list, and the one behind it."""
        return self._table.neighbours(row, query, me=me)

    def stack(self, row: CaseRow) -> list[CaseRow]:
        """The screened images of the same patient and job."""
        return self._table.stack(row)

    def choices(self) -> dict[str, list[str]]:
        """What can be filtered by."""
        return self._table.choices()

    def warnings(self) -> list[str]:
        """What could not be taken in, and why."""
        return [told for job in list(self._jobs.values()) for told in job.warnings]

    def job(self, name: str) -> tuple[OutFolder, JobHeader]:
        """A job's folder and its header, as it was first read.

        Raises:
            IntegrityError: There is no such job.
        """
        for job in list(self._jobs.values()):
            if job.header is not None and job.header.job == name:
                return job.out, job.header
        raise IntegrityError("there is no such job")

    def open(self, row: CaseRow) -> dict[str, Any]:
        """The record in clear, with what its identity envelope holds under `identity`.

        Raises:
            ErasedError: Its patient was erased.
            KeyStoreError: See `open_rows`.
            IntegrityError: It is damaged.
        """
        out, header = self.job(row.job)
        if is_open(out):
            rows = open_spooled(self.keys, row.job, first=row.place, wanted=lambda index: index == row.place)
        else:
            rows = open_rows(out, self.keys, header, row.shard, wanted=lambda one: one.index == row.place).rows
        if not rows:
            raise ErasedError("the record's patient was erased", record=row.record)
        return {**rows[0].record, "identity": rows[0].identity}

    def _forget(self) -> None:
        for job in self._reviews.jobs() if not self.keys.is_exported else ():
            self._reviews.forget(job, self.keys.erasures.of_job(job).__contains__)

    def _drop(self, gone: set[Path]) -> None:
        for path in gone:
            job = self._jobs.pop(path)
            if job.header is not None:
                self._table.drop_job(job.header.job)

    def _keep(self, every_s: float) -> None:
        while not self._over.is_set():
            try:
                self.refresh()
            except SievertError as error:  # the next round tries again
                _LOG.warning("the worklist could not be brought up to date: %s", error.message)
            self._over.wait(every_s)
