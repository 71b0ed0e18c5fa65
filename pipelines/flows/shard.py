"""Screens one shard from source to committed file: the whole path of an image, in one process, without Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import cv2

from models.package import load_package
from pipelines.admit.admission import Admission, admit
from pipelines.admit.isolation import survives
from pipelines.admit.reading import read_source
from pipelines.admit.watchdog import time_limit
from pipelines.cohort.ids import Pseudonyms
from pipelines.cohort.plan import Plan
from pipelines.flows.casework import Casework, make_case, preprocess
from pipelines.flows.journal import ShardJournal
from pipelines.flows.stopwatch import Stopwatch
from pipelines.flows.tally import Tally
from pipelines.results.disk import disk_errors
from pipelines.results.keystore import KeyStore
from pipelines.results.outfolder import OutFolder
from pipelines.results.rows import RowSealer
from pipelines.results.shardfile import (
    SealedRow,
    ShardFooter,
    read_footer,
    seal_counts,
    unseal_counts,
    write_shard,
)
from sievert.errors import ModelError
from sievert.records import PlannedInput, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.flows.casework import Case
    from pipelines.flows.task import ScreenTask
    from sievert.records import ShardCounts

MOST_DEATHS = 3
"""Attempts that may end at one input before it is given up."""


class ShardScreener:
    """Screens shards of one job; made once a process, so that the network stays resident.

    Args:
        task: The job.
        may_be_tried: Whether an input that an earlier attempt died at comes to an end in isolation.

    Raises:
        ModelError: The package is not the one that the job was planned with.
        KeyStoreError: The key store cannot be used.
    """

    def __init__(self, task: ScreenTask, *, may_be_tried: Callable[..., bool] = survives) -> None:
        cv2.setNumThreads(1)  # one worker a core: threads of its own would only get in each other's way
        self._task = task
        self._out = OutFolder(task.out)
        self._keys = KeyStore(task.keys)
        self._pseudonyms = Pseudonyms(self._keys.identity_key)
        self._plan = Plan(self._out.plan, key=self._keys.identity_key)
        self._package = load_package(task.model)
        if self._package.digest != task.model_digest:
            raise ModelError("the model package was changed since the job was planned")
        self._casework = Casework(self._package, task.rule)
        self._may_be_tried = may_be_tried

    def screen(self, shard: int) -> ShardCounts:
        """Screen a shard and commit its file, unless another attempt has; returns what the committed file holds.

        Raises:
            StorageError: And its kinds.
        """
        file = self._out.shard(shard)
        if not file.exists():
            journal = ShardJournal(self._out.work, shard)
            counts = self._commit(shard, journal)
            journal.close(finished=True)
            if counts is not None:
                return counts
        return unseal_counts(read_footer(file), identity_key=self._keys.identity_key)

    def _commit(self, shard: int, journal: ShardJournal) -> ShardCounts | None:
        """One attempt: keys first, then the results that need them. None where another attempt won."""
        attempt, clock, job = uuid4().hex, Stopwatch(), self._task.job
        sealer = RowSealer(job)
        tally = Tally()
        rows = [
            row for batch in self._batches(shard, journal, clock) for row in self._finish(batch, sealer, tally, clock)
        ]
        with clock("seal"):
            self._keys.save_keys(job, shard=shard, attempt=attempt, keys=sealer.keys)
        counts = tally.counts(clock.seconds)
        sealed_counts = seal_counts(counts, identity_key=self._keys.identity_key, job=job)
        footer = ShardFooter(job, shard, attempt, self._keys.fingerprint, sealed_counts)
        draft = self._out.work / f"{shard:05d}-{attempt}.parquet"
        if write_shard(self._out.shard(shard), rows, footer, draft=draft):
            return counts
        self._keys.drop_keys(job, shard=shard, attempt=attempt)
        return None

    def _batches(self, shard: int, journal: ShardJournal, clock: Stopwatch) -> Iterator[list[Case]]:
        planned, size = self._plan.shard(shard), self._task.batch_size
        for start in range(0, len(planned), size):
            yield [self._prepare(one, journal, clock) for one in planned[start : start + size]]

    def _prepare(self, planned: PlannedInput, journal: ShardJournal, clock: Stopwatch) -> Case:
        """Read, admit, preprocess: one input's pixels are in memory at a time."""
        with disk_errors("the journal could not be written"):
            journal.at(planned.index)
        with clock("read"):
            content = read_source(planned.source, max_bytes=self._task.policy.max_file_bytes)
        with clock("admit"):
            admission = Admission(content) if isinstance(content, Refusal) else self._admit(content, planned, journal)
        outcome = preprocess(admission.outcome, self._package.recipe, clock)
        return make_case(
            planned, b"" if isinstance(content, Refusal) else content, admission, outcome, self._pseudonyms
        )

    def _admit(self, content: bytes, planned: PlannedInput, journal: ShardJournal) -> Admission:
        scope, policy = self._task.scope, self._task.policy
        given_up = journal.deaths >= MOST_DEATHS  # it died elsewhere than in admission, again and again
        if planned.index == journal.suspect and (
            given_up or not self._may_be_tried(planned, scope=scope, policy=policy)
        ):
            return Admission(Refusal(Reason.FORMAT_DECODER_CRASHED))
        with time_limit(policy.timeout_s):
            return admit(content, planned, scope=scope, policy=policy)

    def _finish(self, batch: list[Case], sealer: RowSealer, tally: Tally, clock: Stopwatch) -> Iterator[SealedRow]:
        """Predict the batch, then decide, explain and seal each; refused ones are sealed with their reason."""
        with clock("predict"):
            predictions = self._casework.predict(batch)
        for case, prediction in zip(batch, predictions, strict=True):
            refusal, payload = self._casework.conclude(case, prediction, job=self._task.job, tally=tally, clock=clock)
            with clock("seal"):
                yield sealer.seal_row(
                    index=case.planned.index,
                    record=case.record,
                    patient=case.patient,
                    payload=payload,
                    identity=case.identity,
                    refusal=refusal,
                )
