"""The errors of what is sealed, anchored and proven; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


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


class AuditError(IntegrityError):
    """The audit log is not as it was written: entries were changed, removed, moved or cut off."""

    exit_code = 56
    advice = "Find out who could write to the key store; restore the log from a copy and check it again."


class ProofError(IntegrityError):
    """A proof is no proof, or its path does not lead to its root."""

    exit_code = 57
    advice = "Do not rely on it; ask for a new one, which `sievert prove DIR --record ID` makes."
