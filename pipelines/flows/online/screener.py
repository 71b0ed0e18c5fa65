"""Screens studies one by one as they are asked about: seals, keeps and answers with the batch's own record."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import cv2
import numpy as np

from models.package import load_package
from pipelines.cohort.ids import Pseudonyms
from pipelines.flows.casework import Case, Casework, Image, make_case
from pipelines.flows.online.batching import Batcher, InHand
from pipelines.flows.online.sidecar import Sidecar, Sidecars
from pipelines.flows.stopwatch import Stopwatch
from pipelines.flows.tally import Tally
from pipelines.results.jobheader import RollingHeader
from pipelines.results.keystore import KeyStore
from pipelines.results.rolling.job import SHARD_SIZE, Entry, RollingJob, Subject, refreshed
from sievert import __version__
from sievert.errors import ModelError, NetworkInputError
from sievert.records import PlannedInput, Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from pipelines.flows.online.terms import OnlineTask

SOURCE = "online:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a study is answered with.

    Attributes:
        record: The record, as it was sealed (docs/out-folder.md).
        identity: Its identity envelope: for documents that must name the patient to whoever sent the study.
        stage_s: Seconds by stage.
        measured: What is watched for drift, by name; empty of what was refused.
    """

    record: dict[str, Any]
    identity: dict[str, str]
    stage_s: dict[str, float]
    measured: dict[str, float] = field(default_factory=dict)


class OnlineScreener:
    """Resident: made once a replica. Every method may be called from several threads at once.

    Args:
        task: What it is to do.
        batches: Told the size of each forward pass.
        restarts: Told each time that a process that admits has to be replaced.
        in_process: Counts the images in hand of all screeners of this process; left out: of this one.

    Attributes:
        in_hand: Counts its own.

    Raises:
        ModelError: The package is not the one that the service was started with.
        KeyStoreError: The key store cannot be used.
    """

    def __init__(
        self,
        task: OnlineTask,
        *,
        batches: Callable[[int], None] = lambda _: None,
        restarts: Callable[[], None] = lambda: None,
        in_process: InHand | None = None,
    ) -> None:
        cv2.setNumThreads(1)
        self._task, self._keys = task, KeyStore(task.keys)
        self._pseudonyms = Pseudonyms(self._keys.identity_key)
        package = load_package(task.model)
        if package.digest != task.model_digest:
            raise ModelError("the model package was changed since the service was started")
        self.casework = Casework(package, task.rule, threads=task.threads, alone=task.threads_alone, on_gpu=task.on_gpu)
        self.in_hand, self._in_process = InHand(), in_process or InHand()
        self._warm_up()
        self._sidecars = Sidecars(partial(_sidecar, task, restarts), task.passes)
        self._batcher: Batcher[NDArray[np.float32], Prediction] = Batcher(
            self._pass, size=task.batch_size, wait_s=task.batch_wait_s, lanes=task.passes, batches=batches
        )
        self._job: RollingJob | None = None
        self._lock, self._stopped = threading.Lock(), False

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """What the network reads of one image: channel, row, column."""
        metadata = self.casework.package.metadata
        return (metadata.channels, *metadata.shape)

    def screen(
        self,
        content: bytes,
        *,
        patient: str | None = None,
        shown: tuple[str, str] | None = None,
        clock: Stopwatch | None = None,
    ) -> Answer:
        """Screen one study: it is sealed and spooled before this returns.

        Args:
            content: The file, whole.
            patient: The patient that the request names, where the file names none.
            shown: Modality and body part that the request declares, for a file without a header.
            clock: Times the stages; a new one where it is left out.

        Raises:
            StorageError: And its kinds: the record could not be kept, so there is no answer.
        """
        planned = PlannedInput(0, f"{SOURCE}{uuid4()}", patient, *(shown or (None, None)))
        clock = clock or Stopwatch()
        with self.in_hand.more(), self._in_process.more():
            with self._sidecars.one() as sidecar:
                with clock("admission"):
                    told = sidecar.admit(content, planned)
                outcome = told.outcome
                waiting = self._batcher.submit(outcome.tensor) if isinstance(outcome, Image) else None
                picture = sidecar.picture()  # while the network is at work; then the next study may be admitted
            case = make_case(planned, content, told.admission, outcome, self._pseudonyms)
            record = self._seal(case, waiting, picture, clock)
        return Answer(record, case.identity, {**told.stage_s, **clock.seconds}, told.watched)

    def infer(self, images: NDArray[np.float32]) -> list[Prediction]:
        """What the network says of preprocessed images; nothing is kept of them.

        Args:
            images: Shape [image, *`shape`].

        Raises:
            NetworkInputError: They have another shape or type.
        """
        if images.shape[1:] != self.shape or images.dtype != np.float32:
            raise NetworkInputError(f"the network reads float32 images {self.shape}")
        with self.in_hand.more(len(images)), self._in_process.more(len(images)):
            waiting = [self._batcher.submit(image) for image in images]
            return [one.result() for one in waiting]

    def roll_if_due(self) -> None:
        """Let go of the open job where it is old or large enough."""
        with self._lock:
            job, task = self._job, self._task
            if job and job.count and (job.age_s >= task.roll_after_s or job.count >= task.roll_after_records):
                job.release()
                self._job = None

    def stop(self) -> None:
        """Answer what waits, let go of the open job, and end the processes that admit."""
        self._batcher.stop()
        with self._lock:
            self._stopped = True
            if self._job:
                self._job.release()
                self._job = None
        self._sidecars.stop()

    def _warm_up(self) -> None:
        """The first passes make room for all that follow; nobody should wait for them."""
        for alone in {False, self._task.threads_alone > self._task.threads}:
            self.casework.run(np.zeros((1, *self.shape), np.float32), alone=alone)

    def _pass(self, images: Sequence[NDArray[np.float32]]) -> list[Prediction]:
        return self.casework.run(np.stack(images), alone=self._in_process.count == 1)

    def _seal(
        self, case: Case, waiting: Future[Prediction] | None, picture: bytes | None, clock: Stopwatch
    ) -> dict[str, Any]:
        """Have all that needs no verdict ready by the time that the network has spoken."""
        subject = Subject(case.record, case.patient, case.identity, picture)
        with self._open_job() as job:
            with clock("seal"):
                prepared = job.prepare(subject)
            with clock("predict"):
                prediction = waiting.result() if waiting else None
            entry = self._entry(case, prediction, subject, clock)
            with clock("seal"):
                return job.add(entry, prepared)

    def _entry(self, case: Case, prediction: Prediction | None, subject: Subject, clock: Stopwatch) -> Entry:
        tally = Tally()
        refusal, payload = self.casework.conclude(case, prediction, job="", tally=tally, clock=clock)
        return Entry(subject, payload, refusal, tally.counts(clock.seconds))

    @contextmanager
    def _open_job(self) -> Iterator[RollingJob]:
        """The open job, which stays open for as long as this at least."""
        with self._lock:
            if self._job is None:
                self._job = RollingJob(
                    self._task.results, self._header(), self._keys, seeds=self._task.seeds, to_disk=self._task.to_disk
                )
            job = self._job
            job.begin()
            if self._stopped:  # nobody would let go of it
                job.release()
                self._job = None
        try:
            yield job
        finally:
            job.end()
            self.roll_if_due()

    def _header(self) -> RollingHeader:
        package = self.casework.package
        plain = RollingHeader(
            created="",
            sievert=__version__,
            planned=0,
            shard_size=SHARD_SIZE,
            plan="",
            inputs="",
            model=package.named,
            recipe=package.recipe.digest,
            decision=self._task.rule.described(),
            admit=self._task.policy.model_dump(mode="json"),
            batch_size=self._task.batch_size,
            recipient=self._keys.fingerprint,
        )
        return refreshed(plain)


def _sidecar(task: OnlineTask, restarted: Callable[[], None]) -> Sidecar:
    return Sidecar(task.model, scope=task.scope, policy=task.policy, keeps=task.keep_pictures, restarted=restarted)
