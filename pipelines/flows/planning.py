"""Freezes a job's plan in the out folder, or takes up the one that is frozen there."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.cohort.cohort import Cohort, hash_sources
from pipelines.cohort.ids import Pseudonyms
from pipelines.cohort.plan import Plan, Shards, cut_shards, write_plan
from pipelines.cohort.sources import find_inputs
from pipelines.decide import DecisionRule
from pipelines.results.disk import disk_errors, sync_file
from pipelines.results.outfolder import JobHeader, OutFolder, freeze_job, read_job
from sievert import __version__
from sievert.errors import (
    ConfigError,
    EmptyCohortError,
    InputMissingError,
    IntegrityError,
    ModelError,
    OutFolderError,
    WrongKeyError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.package import ModelPackage
    from pipelines.results.keystore import KeyStore
    from sievert.settings import DecideSettings, Settings

_SAME_JOB = ("sievert", "inputs", "model", "recipe", "decision", "admit", "batch_size", "recipient")


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job whose plan is frozen.

    Attributes:
        header: What it is.
        shards: The cut.
        late: Inputs that turned up, or whose turn came, after the plan was frozen; they are not in this job.
        resumed: Whether an earlier run froze it.
    """

    header: JobHeader
    shards: Shards
    late: int
    resumed: bool


def plan_job(
    out: OutFolder,
    inputs: Sequence[str],
    *,
    found: Cohort,
    package: ModelPackage,
    keys: KeyStore,
    settings: Settings,
) -> PlannedJob:
    """Freeze the plan of a new job, or take up the frozen one if it is of the same command.

    Args:
        out: The locked out folder.
        inputs: As the user named them.
        found: The files that they name now.
        package: The model.
        keys: The key store.
        settings: The tree; the branches that shape results are kept in the header.

    Raises:
        OutFolderError: The folder holds another job.
        WrongKeyError: It was planned with another key store.
    """
    if out.job.exists():
        header = read_job(out)
        _check_resumable(out, header, keys)
        wanted = _header(inputs, header.planned, package=package, keys=keys, settings=settings)
        _refuse_other_job(header, wanted)
        late = _count_late(out, found, keys)
        return PlannedJob(header, header.shards, late, resumed=True)
    shards = cut_shards(len(found), size=settings.cohort.shard_size)
    with disk_errors("the plan could not be written"):
        draft = out.work / out.plan.name
        digest = write_plan(draft, found, shards=shards, key=keys.identity_key)
        sync_file(draft)
        draft.replace(out.plan)
    unplanned = _header(inputs, shards.planned, package=package, keys=keys, settings=settings)
    header = JobHeader(**{**asdict(unplanned), "shard_size": shards.size, "plan": digest})
    keys.note_job(header.job)  # before the plan is frozen: an erasure from now on must hold for it
    keys.log("submitted", job=header.job, inputs=header.planned)
    freeze_job(out, header)
    return PlannedJob(header, shards, 0, resumed=False)


def _check_resumable(out: OutFolder, header: JobHeader, keys: KeyStore) -> None:
    if header.recipient != keys.fingerprint:
        raise WrongKeyError(f"the job was planned for key {header.recipient}, this key store holds {keys.fingerprint}")
    try:
        with out.plan.open("rb") as plan:
            digest = hashlib.file_digest(plan, "sha256").hexdigest()
    except OSError as error:
        raise IntegrityError("the plan of the job is missing") from error
    if digest != header.plan:
        raise IntegrityError("the plan of the job is not the one that was frozen")


def find_cohort(inputs: Sequence[str], out: OutFolder) -> Cohort:
    """The inputs' files, the out folder's own left out.

    Where a plan is frozen already, inputs that are gone keep nobody from finishing: the plan is the authority.

    Raises:
        OutFolderError: The out folder is itself an input.
        DataError: And its kinds.
    """
    if any(Path(text).expanduser().resolve() == out.path.resolve() for text in inputs):
        raise OutFolderError("the out folder is one of the inputs")
    try:
        return find_inputs(inputs, leave_out=out.path.resolve())
    except (InputMissingError, EmptyCohortError):
        if out.job.exists():
            return Cohort([])
        raise


def decision_rule(package: ModelPackage, settings: DecideSettings) -> DecisionRule:
    """The package's own thresholds unless the settings say otherwise.

    Raises:
        ConfigError: The confidence asked for would leave nothing to be uncertain about, or everything.
    """
    chosen = package.calibration
    threshold = chosen.threshold if settings.threshold is None else settings.threshold
    confidence = chosen.min_confidence if settings.min_confidence is None else settings.min_confidence
    if not 0 < threshold < 1:
        raise ConfigError("the decision's threshold must lie between 0 and 1")
    metadata = package.metadata
    return DecisionRule(tuple(metadata.labels), metadata.positive_index, threshold, confidence)


def check_screenable(package: ModelPackage) -> None:
    """Refuse a package that cannot read what is admitted: single grey pictures.

    Raises:
        ModelError: It reads volumes, or several channels.
    """
    shape, channels = package.metadata.shape, package.metadata.channels
    if len(shape) == 2 and channels == 1:  # noqa: PLR2004 - rows and columns
        return
    read = " x ".join(map(str, (channels, *shape)))
    raise ModelError(
        f"the model package reads images of {read}; screening admits single grey pictures",
        remedy="Measure it with `sievert evaluate`, or name another --model.",
    )


def _header(
    inputs: Sequence[str], planned: int, *, package: ModelPackage, keys: KeyStore, settings: Settings
) -> JobHeader:
    return JobHeader(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sievert=__version__,
        planned=planned,
        shard_size=0,
        plan="",
        inputs=_digest_inputs(inputs, keys),
        model=package.named,
        recipe=package.recipe.digest,
        decision=decision_rule(package, settings.decide).described(),
        admit=settings.admit.model_dump(mode="json"),
        batch_size=settings.predict.batch_size,
        recipient=keys.fingerprint,
    )


def _digest_inputs(inputs: Sequence[str], keys: KeyStore) -> str:
    """Keyed: a plain hash of a path could be guessed."""
    places = [text if "://" in text else os.path.abspath(os.path.expanduser(text)) for text in inputs]  # noqa: PTH100, PTH111 - globs too
    named = json.dumps(places)
    return Pseudonyms(keys.identity_key).record("inputs", hashlib.sha256(named.encode()).digest())


def _refuse_other_job(there: JobHeader, wanted: JobHeader) -> None:
    for name in _SAME_JOB:
        if getattr(there, name) != getattr(wanted, name):
            raise OutFolderError(f"the out folder holds another job: its {name.replace('_', ' ')} differs")


def _count_late(out: OutFolder, found: Cohort, keys: KeyStore) -> int:
    planned = hash_sources(Plan(out.plan, key=keys.identity_key).tables())
    return int((~np.isin(found.hashes(), planned)).sum())
