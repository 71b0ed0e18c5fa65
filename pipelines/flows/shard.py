"""Screens one shard from source to committed file: the whole path of an image, in one process, without Ray."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

import cv2
import numpy as np

from models.features import check_features
from models.package import load_package
from models.predictor import Predictor
from pipelines.admit.admission import Admission, admit
from pipelines.admit.isolation import survives
from pipelines.admit.reading import read_source
from pipelines.admit.watchdog import time_limit
from pipelines.cohort.ids import Pseudonyms
from pipelines.cohort.plan import Plan
from pipelines.decide import decide
from pipelines.flows.journal import ShardJournal
from pipelines.flows.payload import Screened, describe_refused, describe_screened, explain
from pipelines.flows.stopwatch import Stopwatch
from pipelines.flows.tally import Tally
from pipelines.preprocess.steps import apply_recipe
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
from sievert.records import (
    Admitted,
    ImageFacts,
    PlannedInput,
    Prediction,
    Reason,
    Refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from pipelines.flows.task import ScreenTask
    from sievert.records import ShardCounts

MOST_DEATHS = 3
"""Attempts that may end at one input before it is given up."""


@dataclass(frozen=True, slots=True)
class _Image:
    """An admitted image once its pixels are preprocessed and let go."""

    facts: ImageFacts
    tensor: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Case:
    """One input on its way through a shard."""

    planned: PlannedInput
    record: str
    patient: str
    content_sha256: str
    identity: dict[str, str]
    outcome: _Image | Refusal


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
        self._predictor = Predictor(self._package)
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

    def _batches(self, shard: int, journal: ShardJournal, clock: Stopwatch) -> Iterator[list[_Case]]:
        planned, size = self._plan.shard(shard), self._task.batch_size
        for start in range(0, len(planned), size):
            yield [self._prepare(one, journal, clock) for one in planned[start : start + size]]

    def _prepare(self, planned: PlannedInput, journal: ShardJournal, clock: Stopwatch) -> _Case:
        """Read, admit, preprocess: one input's pixels are in memory at a time."""
        with disk_errors("the journal could not be written"):
            journal.at(planned.index)
        with clock("read"):
            content = read_source(planned.source, max_bytes=self._task.policy.max_file_bytes)
        with clock("admit"):
            admission = Admission(content) if isinstance(content, Refusal) else self._admit(content, planned, journal)
        outcome = self._preprocessed(admission.outcome, clock)
        return self._case(planned, b"" if isinstance(content, Refusal) else content, admission, outcome)

    def _preprocessed(self, outcome: Admitted | Refusal, clock: Stopwatch) -> _Image | Refusal:
        if isinstance(outcome, Refusal):
            return outcome
        timed = lambda step: clock(f"preprocess.{step}")  # noqa: E731 - a name for what is too short for a function
        return _Image(outcome.facts, apply_recipe(outcome.pixels, self._package.recipe, timed=timed))

    def _case(self, planned: PlannedInput, content: bytes, admission: Admission, outcome: _Image | Refusal) -> _Case:
        digest = sha256(content)
        record = self._pseudonyms.record(planned.source, digest.digest())
        manifest = {"patient": planned.patient} if planned.patient else {}
        return _Case(
            planned=planned,
            record=record,
            patient=self._patient(planned, record, admission),
            content_sha256=digest.hexdigest(),
            identity={"source": planned.source, **manifest, **admission.identity},
            outcome=outcome,
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

    def _patient(self, planned: PlannedInput, record: str, admission: Admission) -> str:
        """The manifest's word, else the header's, else the input is its own patient."""
        named = planned.patient or admission.identity.get("PatientID")
        if not named:
            return self._pseudonyms.unnamed_patient(record)
        issuer = "" if planned.patient else admission.identity.get("IssuerOfPatientID", "")
        return self._pseudonyms.patient(named, issuer)

    def _finish(self, batch: list[_Case], sealer: RowSealer, tally: Tally, clock: Stopwatch) -> Iterator[SealedRow]:
        """Predict the batch, then decide, explain and seal each; refused ones are sealed with their reason."""
        with clock("predict"):
            predictions = iter(self._predict(batch))
        for case in batch:
            prediction = next(predictions) if isinstance(case.outcome, _Image) else None
            refusal, payload = self._conclude(case, prediction, tally, clock)
            with clock("seal"):
                yield sealer.seal_row(
                    index=case.planned.index,
                    record=case.record,
                    patient=case.patient,
                    payload=payload,
                    identity=case.identity,
                    refusal=refusal,
                )

    def _predict(self, batch: list[_Case]) -> list[Prediction]:
        tensors = [case.outcome.tensor for case in batch if isinstance(case.outcome, _Image)]
        return self._predictor(np.stack(tensors)) if tensors else []

    def _conclude(
        self, case: _Case, prediction: Prediction | None, tally: Tally, clock: Stopwatch
    ) -> tuple[Refusal | None, dict[str, object]]:
        """The record of one input: a refusal, or a verdict with its explanation."""
        outcome, about = case.outcome, self._about(case)
        reason = _find_invalid(prediction) if prediction else None
        if isinstance(outcome, Refusal) or prediction is None or reason:
            refusal = outcome if isinstance(outcome, Refusal) else Refusal(reason or Reason.FORMAT_CORRUPT)
            tally.refused(refusal)
            return refusal, describe_refused(about, refusal)
        rule = self._task.rule
        with clock("decide"):
            verdict = decide(prediction.probabilities, rule)
        tally.screened(verdict.decision.value, verdict.probability, flagged=verdict.flagged)
        with clock("explain"):
            shown = explain(prediction, self._predictor.head_weights, rule) if verdict.flagged else None
        return None, describe_screened(about, Screened(outcome.facts, prediction, verdict, shown), rule)

    def _about(self, case: _Case) -> dict[str, object]:
        metadata = self._package.metadata
        return {
            "job": self._task.job,
            "index": case.planned.index,
            "record": case.record,
            "patient": case.patient,
            "content_sha256": case.content_sha256,
            "model": {"name": metadata.name, "version": metadata.version, "digest": self._package.digest},
            "recipe": self._package.recipe.digest,
        }


def _find_invalid(prediction: Prediction) -> Reason | None:
    """A feature map that is not finite or constant, or a probability that is no number."""
    if not np.isfinite(prediction.probabilities).all():
        return Reason.FEATURES_NOT_FINITE
    return check_features(prediction.features)
