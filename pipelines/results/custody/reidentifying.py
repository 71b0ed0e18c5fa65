"""Finds out who is behind a pseudonym; whoever does leaves an entry in the audit log first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.results.keys.identities import Identities

if TYPE_CHECKING:
    from pipelines.results.keystore import KeyStore


def reidentify(store: KeyStore, patient: str) -> list[dict[str, Any]]:
    """What the re-identification map says of a patient, study by study.

    Args:
        store: The site's, with its private key.
        patient: The pseudonym.

    Raises:
        KeyStoreError: The map has no such patient, or is damaged.
        WrongKeyError: The private key is another's.
        StorageError: The audit log cannot be written: then nothing is said.
    """
    identities = Identities(store.folder)
    if identities.knows(patient):
        store.log("reidentifying", patient=store.hide_patient(patient))
    return list(identities.open(patient, store.private))
