"""Erases a patient: every wrapped data key goes, so that what was sealed for them opens for nobody again.

Results are not touched, so every proof stays valid. First the erasure is marked, then the tables are swept: a worker
that commits keys sees the mark, or its table is there for the sweep to see.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.results.custody.sweeping import Swept, sweep, working_on
from pipelines.results.keys.identities import Identities
from pipelines.results.keys.locks import changing_state
from pipelines.results.keys.tables import KeyTable, find_tables, read_patients
from pipelines.results.rolling.spool import find_spools, read_spool
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from pipelines.results.custody.sweeping import Progress
    from pipelines.results.keys.tables import TablePlace
    from pipelines.results.keystore import KeyStore

_PSEUDONYM = re.compile("[0-9a-f]{32}")


def erase(store: KeyStore, patient: str, *, job: str | None, progress: Progress) -> Swept:
    """Erase a patient's data keys for all recipients, those of attempts that were killed too. Safe to repeat.

    Args:
        store: The key store; no private key is needed.
        patient: The pseudonym, as `sievert open` shows it.
        job: Commitment of the one job concerned; None for every job of the site.
        progress: Told how many tables of how many are done.

    Raises:
        KeyStoreError: The key store has, and had, no data key of that patient; or a table cannot be read.
        StorageError: And its kinds.
    """
    if not _PSEUDONYM.fullmatch(patient):
        raise KeyStoreError("that is no pseudonym: 32 hexadecimal digits", remedy="`sievert open` shows it: `patient`.")
    with working_on(store):
        _check_known(store, patient, job)
        concerned = {"patient": store.hide_patient(patient), "job": job or "every"}
        store.log("erasing", **concerned)
        with changing_state(store.folder):
            store.erasures.add(patient, job=job)
        erasing = _Erasing(store, patient)
        swept = sweep(store, erasing, job=job, progress=progress)
        swept.rows = erasing.removed
        if job is None:
            swept.identities = Identities(store.folder).erase(patient)
        store.log("erased", **concerned, tables=swept.tables, keys=swept.rows)
    return swept


class _Erasing:
    """Takes a patient's rows out of a table and notes which records of the shard they sealed."""

    def __init__(self, store: KeyStore, patient: str) -> None:
        self._store, self._patient = store, patient
        self.removed = 0

    def __call__(self, place: TablePlace) -> KeyTable | None:
        if self._patient not in read_patients(place.file(self._store.folder)):
            return None
        table = self._store.read(place)
        gone = [row for row in table.rows if row.patient == self._patient]
        self.removed += len(gone)
        indices = {index for row in gone for index in row.indices}
        return KeyTable([row for row in table.rows if row.patient != self._patient], sorted({*table.erased, *indices}))


def _check_known(store: KeyStore, patient: str, job: str | None) -> None:
    if store.erasures.knows(patient, job) or (job is None and Identities(store.folder).knows(patient)):
        return
    tables = (read_patients(place.file(store.folder)) for place in find_tables(store.folder, job))
    if not any(patient in there for there in (*tables, _spooled_patients(store, job))):
        where = "for this job" if job else "for any job"
        raise KeyStoreError(
            f"the key store has no data key of this patient {where}: nothing was erased",
            remedy="Check the pseudonym with `sievert open`; run an unfinished job to its end first.",
        )


def _spooled_patients(store: KeyStore, job: str | None) -> set[str]:
    """Of rolling jobs that are still open: the mark holds for them when they are closed."""
    spools = [read_spool(file)[1] for file in find_spools(store.folder) if job in (None, file.stem)]
    return {key.patient for frames in spools for frame in frames for key in frame.keys}
