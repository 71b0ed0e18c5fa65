"""What the service answers with, typed; docs/out-folder.md says what a record holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one study.

    Attributes:
        id: Our id of it.
        job: The rolling job that it is sealed in.
        outcome: `screened` or `quarantined`.
        decision: `negative`, `positive` or `uncertain`; None where it was quarantined, as all that follow.
        probability: Of the label that is looked for.
        probabilities: Of each label.
        flagged: Whether a person must look.
        reason: Why it was quarantined; None where it was screened.
        whole: Everything that the record holds.
    """

    id: str
    job: str
    outcome: str
    decision: str | None
    probability: float | None
    probabilities: dict[str, float] | None
    flagged: bool | None
    reason: str | None
    whole: dict[str, Any] = field(repr=False)

    @property
    def screened(self) -> bool:
        """Whether the model has seen it."""
        return self.outcome == "screened"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is served.

    Attributes:
        name: To ask it by.
        version: Of its package.
        labels: Names of the classes.
        shape: What the network reads of one image: channel, row, column.
        modalities: DICOM codes that it is for.
        body_parts: DICOM terms that it is for.
        whole: Everything that the service tells.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    shape: tuple[int, ...]
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    whole: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        id: Of the job.
        state: `queued`, `running`, `done` or `failed`.
        done: Studies that were screened.
        total: Studies.
        records: Of those that were screened; of a running job not always told.
        error: Why it failed.
    """

    id: str
    state: str
    done: int
    total: int
    records: tuple[Record, ...] = field(repr=False)
    error: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing further will come."""
        return self.state in ("done", "failed")


def read_record(told: dict[str, Any]) -> Record:
    """A record from its JSON."""
    return Record(
        id=told["record"],
        job=told["job"],
        outcome=told["outcome"],
        decision=told.get("decision"),
        probability=told.get("probability"),
        probabilities=told.get("probabilities"),
        flagged=told.get("flagged"),
        reason=told.get("reason"),
        whole=told,
    )


def read_model(told: dict[str, Any]) -> Model:
    """A model from its JSON."""
    return Model(
        name=told["name"],
        version=told["version"],
        labels=tuple(told["labels"]),
        shape=tuple(told["shape"]),
        modalities=tuple(told["modalities"]),
        body_parts=tuple(told["body_parts"]),
        whole=told,
    )


def read_progress(told: dict[str, Any]) -> Progress:
    """A job from its JSON."""
    records = tuple(read_record(one) for one in told["records"])
    return Progress(told["id"], told["state"], told["done"], told["total"], records, told.get("error"))
