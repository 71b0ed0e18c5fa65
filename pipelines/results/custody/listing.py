"""Lists what a key store holds: recipients, jobs, wrapping keys; patients are counted, never named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.results.keys.tables import find_tables, read_patients, read_table_footer
from pipelines.results.keys.wrapping import read_state

if TYPE_CHECKING:
    from pipelines.results.keys.recipients import Recipient
    from pipelines.results.keys.wrapping import WrappingState
    from pipelines.results.keystore import KeyStore


@dataclass(slots=True)
class Listed:
    """What is there.

    Attributes:
        recipients: Revoked ones too.
        wrapping: Which wrapping key is current, and which a rotation has yet to destroy.
        tables: Tables by the id of their wrapping key; an empty id where they have none.
        jobs: Tables by job; jobs that were planned and have none yet too.
        patients: Pseudonyms with a data key, over all jobs.
        erased: Records whose data key was erased.
    """

    recipients: list[Recipient]
    wrapping: WrappingState
    tables: Counter[str] = field(default_factory=Counter)
    jobs: dict[str, int] = field(default_factory=dict)
    patients: int = 0
    erased: int = 0


def list_keys(store: KeyStore) -> Listed:
    """Look through a key store; opens nothing.

    Raises:
        KeyStoreError: Something in it is damaged.
    """
    listed = Listed(store.everybody(), read_state(store.folder))
    listed.jobs = {folder.name: 0 for folder in sorted((store.folder / "jobs").glob("*"))}
    patients: set[bytes] = set()
    for place in find_tables(store.folder):
        file = place.file(store.folder)
        footer = read_table_footer(file)
        listed.tables[(footer and footer.wrapping) or ""] += 1
        listed.jobs[place.job] += 1
        listed.erased += len(footer.erased) if footer else 0
        patients |= {patient.encode() for patient in read_patients(file)}
    listed.patients = len(patients)
    return listed
