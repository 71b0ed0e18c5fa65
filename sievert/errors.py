"""The one tree of errors; each leaf has an exit code and says what to do next.

::

    SievertError                     1   anything of ours that has no better name
    ├── ConfigError                 10   settings, flags
    ├── DataError                   20   what was given cannot be a cohort
    │   ├── InputMissingError       21   an input path does not exist
    │   ├── EmptyCohortError        22   the inputs hold no file at all
    │   ├── NothingAdmittedError    23   "preprocessed data is empty": all inputs quarantined
    │   ├── ManifestError           24   a manifest cannot be understood
    │   └── LabelError              25   a labelled set cannot be used to train or evaluate
    │       └── SplitOverlapError   26   a patient is in more than one split
    ├── ModelError                  30   a model package cannot be used
    │   ├── ModelMissingError       31   no package of that name or at that path
    │   ├── UnknownArchitectureError 32  the zoo has no network of that name
    │   └── NetworkInputError       33   a network cannot read what it is given
    ├── StorageError                40   writing or reading results failed
    │   ├── DiskFullError           41   no space left
    │   ├── PermissionDeniedError   42   not allowed to write or read there
    │   ├── OutFolderError          43   the folder holds another job, or something else
    │   └── OutFolderBusyError      44   another run is writing there
    ├── IntegrityError              50   something is not what was sealed and anchored
    │   ├── UnfinishedError         51   the job is not finished, so nothing is anchored yet
    │   ├── LedgerError             52   the ledger cannot be read or refuses
    │   │   └── LedgerUnavailableError 54 the chain does not answer, or does not take the transaction in time
    │   ├── AnchorError             53   the ledger holds no root, or another one, for this job
    │   └── NotAnchoredError        55   the results are stored and whole, but not anchored yet
    ├── KeyStoreError               60   the key store cannot be used
    │   └── WrongKeyError           61   the key store holds another site's key
    ├── ClusterError                70   Ray cannot be started or joined, or lost its workers
    └── TrainingError               80   a training cannot go on
        ├── DivergedError           81   the loss is no finite number any more
        └── MemoryExhaustedError    82   a batch does not fit in memory, halved or not

An error carries our own record id and the stage where there is one, never a patient's
name, id or path from a header. It survives pickling, because workers raise it on one machine and the
front door reports it on another.
"""

from __future__ import annotations

from typing import ClassVar


class SievertError(Exception):
    """Root of the tree.

    Args:
        message: What happened, for the reader; no patient data.
        remedy: What to do next; the class's own advice where it is left out.
        record: Our id of the record concerned.
        stage: The stage that was at work (`admit`, `predict`, …).
    """

    exit_code: ClassVar[int] = 1
    advice: ClassVar[str] = "Run again with --verbose and report the traceback."

    def __init__(
        self, message: str, *, remedy: str | None = None, record: str | None = None, stage: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.advice
        self.record = record
        self.stage = stage

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.remedy, self.record, self.stage)


def _rebuild(
    kind: type[SievertError], message: str, remedy: str, record: str | None, stage: str | None
) -> SievertError:
    return kind(message, remedy=remedy, record=record, stage=stage)


class ConfigError(SievertError):
    """A setting or a flag is unknown or has a value that it cannot have."""

    exit_code = 10
    advice = "See `sievert settings` for each setting, its value and where that came from."


class DataError(SievertError):
    """What was given cannot be read as a cohort."""

    exit_code = 20
    advice = "Name image files, folders, globs, or a CSV or Parquet manifest."


class InputMissingError(DataError):
    """An input path does not exist."""

    exit_code = 21
    advice = "Check the spelling and that the disk is mounted."


class EmptyCohortError(DataError):
    """The inputs exist but hold no file."""

    exit_code = 22
    advice = "Name a folder that holds images."


class NothingAdmittedError(DataError):
    """Every input was quarantined: the preprocessed data is empty."""

    exit_code = 23
    advice = "See the reasons in quarantine.parquet or the report; the empty result is valid and anchored."


class ManifestError(DataError):
    """A manifest cannot be understood."""

    exit_code = 24
    advice = "A manifest has a column `source`; `patient`, `modality` and `body_part` are optional."


class LabelError(DataError):
    """A labelled set cannot be used to train or to evaluate."""

    exit_code = 25
    advice = "Give a MedMNIST .npz file, a folder with one sub-folder a class, or a manifest with a column `label`."


class SplitOverlapError(LabelError):
    """A patient is in more than one split, so a test would measure memory."""

    exit_code = 26
    advice = "Put each patient's images in one split, or leave the column `split` out: Sievert splits by patient."


class ModelError(SievertError):
    """A model package is damaged or does not fit."""

    exit_code = 30
    advice = "Check the package with `sievert model show`."


class ModelMissingError(ModelError):
    """No model package of that name or at that path."""

    exit_code = 31
    advice = "The shipped model is called `default`; otherwise name a package's folder."


class UnknownArchitectureError(ModelError):
    """The zoo has no network of that name."""

    exit_code = 32
    advice = "`sievert model list --zoo` prints every architecture."


class NetworkInputError(ModelError):
    """A network cannot read what it is given: channels, rank, size or an option do not fit."""

    exit_code = 33
    advice = "`sievert model list --zoo` says what each architecture reads."


class StorageError(SievertError):
    """Writing or reading results failed."""

    exit_code = 40
    advice = "Check the disk, then run the same command again: finished shards are kept."


class DiskFullError(StorageError):
    """No space is left where results or keys are written."""

    exit_code = 41
    advice = "Free some space, then run the same command again: finished shards are kept."


class PermissionDeniedError(StorageError):
    """Writing or reading there is not allowed."""

    exit_code = 42
    advice = "Choose a folder that you may write to, or ask its owner."


class OutFolderError(StorageError):
    """The out folder holds another job, or something that is no job."""

    exit_code = 43
    advice = "Name another --out folder: one folder holds one job."


class OutFolderBusyError(StorageError):
    """Another run is writing to the out folder."""

    exit_code = 44
    advice = "Wait for it, or stop it; then run the same command again."


class IntegrityError(SievertError):
    """Something is not what was sealed and anchored."""

    exit_code = 50
    advice = "Do not use these results; restore the folder from a copy and verify again."


class UnfinishedError(IntegrityError):
    """The job is not finished, so there is nothing anchored to hold it against."""

    exit_code = 51
    advice = "Run the same `sievert screen` command again: it finishes the job."


class LedgerError(IntegrityError):
    """The ledger cannot be read, or refuses."""

    exit_code = 52
    advice = "Name the ledger's file with --ledger, or the root that you kept with --root."


class AnchorError(IntegrityError):
    """The ledger holds no root, or another root, for this job."""

    exit_code = 53
    advice = "Do not use these results: what is on disk is not what was anchored."


class LedgerUnavailableError(LedgerError):
    """The ledger's chain does not answer, or does not take the transaction in time; nothing is lost."""

    exit_code = 54
    advice = "Results are stored, not yet anchored; run `sievert anchor DIR` when the chain is back."


class NotAnchoredError(IntegrityError):
    """The results are stored and whole, but not anchored yet."""

    exit_code = 55
    advice = "Run `sievert anchor DIR`; it goes on where anchoring stopped."


class KeyStoreError(SievertError):
    """The key store cannot be used."""

    exit_code = 60
    advice = "Name the key store that the job was sealed with: --keys FOLDER."


class WrongKeyError(KeyStoreError):
    """The key store holds another key than the one that the job was sealed for."""

    exit_code = 61


class ClusterError(SievertError):
    """Ray cannot be started or joined, or it lost its workers."""

    exit_code = 70
    advice = "Check --address; without it a local session is started. See `sievert doctor`."


class TrainingError(SievertError):
    """A training cannot go on."""

    exit_code = 80
    advice = "Run the same command again: it goes on at the last finished epoch."


class DivergedError(TrainingError):
    """The loss is no finite number any more; the checkpoint of the last good epoch is kept."""

    exit_code = 81
    advice = "Lower --learning-rate or set --clip-norm; look at the batch named above for broken pixels."


class MemoryExhaustedError(TrainingError):
    """A batch does not fit in memory, not even halved."""

    exit_code = 82
    advice = "Lower --batch-size and raise --accumulate by as much, or use a smaller --size."


def all_errors() -> list[type[SievertError]]:
    """Every class of the tree, parents before children, in the order of exit codes."""
    found: list[type[SievertError]] = [SievertError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return sorted(found, key=lambda kind: kind.exit_code)
