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
    │   ├── NotAnchoredError        55   the results are stored and whole, but not anchored yet
    │   ├── AuditError              56   the audit log is not as it was written
    │   └── ProofError              57   a proof is none, or does not hold
    ├── KeyStoreError               60   the key store cannot be used
    │   ├── WrongKeyError           61   the key store holds another site's key
    │   ├── PassphraseError         62   the private key has a passphrase that was not given
    │   ├── WrappingKeyError        63   the wrapping key of the data keys cannot be had
    │   └── ErasedError             64   the patient was erased: nobody can open the record
    ├── ClusterError                70   Ray cannot be started or joined, or lost its workers
    │   └── SubmissionError        100   a job cannot be handed to a cluster, or not be followed there
    │       ├── ClusterMissingError 101  nothing answers where the cluster should be
    │       ├── AddressError       102   something answers, and it is no cluster
    │       ├── CredentialsError   103   the token is missing, wrong or expired
    │       ├── NotAllowedError    104   the cluster knows who asks, and does not allow it
    │       ├── NamespaceError     105   no such namespace, or no template in it
    │       ├── QuotaError         106   the namespace's quota is used up
    │       ├── UnschedulableError 107   no node can take a pod of the job
    │       ├── ImageError         108   the image cannot be pulled
    │       ├── AdmissionRefusedError 109 a rule of the cluster refuses the job
    │       ├── OldOperatorError   110   KubeRay is missing or too old
    │       ├── OldRayError        111   the cluster runs another Ray
    │       ├── OtherVersionError  112   the cluster has another Sievert, or none
    │       ├── ClockError         113   this machine's clock is wrong
    │       ├── JobNameError       114   a job cannot have this name
    │       ├── JobMissingError    115   the cluster has no such job
    │       ├── JobLostError       116   the job ended without an exit code
    │       └── JobStoppedError    117   the job was stopped; results so far are valid
    ├── DeliveryError               75   a notice did not arrive; it is tried again
    │   └── RefusedNoticeError      76   a receiver will never take it: another try makes no sense
    ├── TrainingError               80   a training cannot go on
    │   ├── DivergedError           81   the loss is no finite number any more
    │   └── MemoryExhaustedError    82   a batch does not fit in memory, halved or not
    └── ServeError                  90   the online service cannot be started, or does not answer
        ├── PortTakenError          91   something else listens on the port
        ├── AccessError             92   who asks has not shown who they are, or may not do this
        │   └── ForbiddenError      93   who asks is known, and their roles do not allow it
        ├── ReviewConflictError     94   two people reviewed a case at once
        ├── OverloadedError         95   the service has too much in hand already
        └── ReplicaLostError        96   the process that had a request is gone, or none answers

An error carries our own record id and the stage where there is one, never a patient's
name, id or path from a header. It survives pickling, because workers raise it on one machine and the
front door reports it on another.
"""

from __future__ import annotations

from sievert.errorcluster import (
    AddressError,
    AdmissionRefusedError,
    ClockError,
    ClusterError,
    ClusterMissingError,
    CredentialsError,
    ImageError,
    JobLostError,
    JobMissingError,
    JobNameError,
    JobStoppedError,
    NamespaceError,
    NotAllowedError,
    OldOperatorError,
    OldRayError,
    OtherVersionError,
    QuotaError,
    SubmissionError,
    UnschedulableError,
)
from sievert.errordata import (
    DataError,
    EmptyCohortError,
    InputMissingError,
    LabelError,
    ManifestError,
    NothingAdmittedError,
    SplitOverlapError,
)
from sievert.errordelivery import DeliveryError, RefusedNoticeError
from sievert.errormodel import ModelError, ModelMissingError, NetworkInputError, UnknownArchitectureError
from sievert.errorproof import (
    AnchorError,
    AuditError,
    IntegrityError,
    LedgerError,
    LedgerUnavailableError,
    NotAnchoredError,
    ProofError,
    UnfinishedError,
)
from sievert.errorroot import SievertError
from sievert.errorserve import (
    AccessError,
    ForbiddenError,
    OverloadedError,
    PortTakenError,
    ReplicaLostError,
    ReviewConflictError,
    ServeError,
)
from sievert.errortraining import DivergedError, MemoryExhaustedError, TrainingError

__all__ = [
    "AccessError",
    "AddressError",
    "AdmissionRefusedError",
    "AnchorError",
    "AuditError",
    "ClockError",
    "ClusterError",
    "ClusterMissingError",
    "ConfigError",
    "CredentialsError",
    "DataError",
    "DeliveryError",
    "DiskFullError",
    "DivergedError",
    "EmptyCohortError",
    "ErasedError",
    "ForbiddenError",
    "ImageError",
    "InputMissingError",
    "IntegrityError",
    "JobLostError",
    "JobMissingError",
    "JobNameError",
    "JobStoppedError",
    "KeyStoreError",
    "LabelError",
    "LedgerError",
    "LedgerUnavailableError",
    "ManifestError",
    "MemoryExhaustedError",
    "ModelError",
    "ModelMissingError",
    "NamespaceError",
    "NetworkInputError",
    "NotAllowedError",
    "NotAnchoredError",
    "NothingAdmittedError",
    "OldOperatorError",
    "OldRayError",
    "OtherVersionError",
    "OutFolderBusyError",
    "OutFolderError",
    "OverloadedError",
    "PassphraseError",
    "PermissionDeniedError",
    "PortTakenError",
    "ProofError",
    "QuotaError",
    "RefusedNoticeError",
    "ReplicaLostError",
    "ReviewConflictError",
    "ServeError",
    "SievertError",
    "SplitOverlapError",
    "StorageError",
    "SubmissionError",
    "TrainingError",
    "UnfinishedError",
    "UnknownArchitectureError",
    "UnschedulableError",
    "WrappingKeyError",
    "WrongKeyError",
    "all_errors",
]


class ConfigError(SievertError):
    """A setting or a flag is unknown or has a value that it cannot have."""

    exit_code = 10
    advice = "See `sievert settings` for each setting, its value and where that came from."


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


class KeyStoreError(SievertError):
    """The key store cannot be used."""

    exit_code = 60
    advice = "Name the key store that the job was sealed with: --keys FOLDER."


class WrongKeyError(KeyStoreError):
    """The key store holds another key than the one that the job was sealed for."""

    exit_code = 61


class PassphraseError(KeyStoreError):
    """The private key has a passphrase, and none or another one was given."""

    exit_code = 62
    advice = "Give it on the terminal, in SIEVERT_PASSPHRASE, or in the file that `store.passphrase_file` names."


class WrappingKeyError(KeyStoreError):
    """The wrapping key that covers the data keys cannot be had: destroyed, not given, or its service is away."""

    exit_code = 63
    advice = "See `sievert keys list`; a copy of the key store from before a rotation cannot be opened any more."


class ErasedError(KeyStoreError):
    """The patient's data keys were erased, so the record cannot be opened by anybody."""

    exit_code = 64
    advice = "This is final. `sievert verify` still proves that the record was there."


def all_errors() -> list[type[SievertError]]:
    """Every class of the tree, parents before children, in the order of exit codes."""
    found: list[type[SievertError]] = [SievertError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return sorted(found, key=lambda kind: kind.exit_code)
