"""Key stores for tests, with data keys of a few patients in two jobs."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pipelines.results.custody.creating import create_key_store
from pipelines.results.keys.tables import find_tables
from pipelines.results.keystore import DataKey, KeyStore
from pipelines.results.sealing import new_data_key

if TYPE_CHECKING:
    from pathlib import Path

JOBS = ("a" * 64, "b" * 64)
PATIENTS = tuple(sha256(bytes([number])).hexdigest()[:32] for number in range(3))
ATTEMPT = "f" * 32
SHARDS = 3

Secrets = dict[tuple[str, int], dict[str, bytes]]


def quiet(done: int, of: int) -> None:
    """Nobody is told of progress."""


def fill(store: KeyStore, *, attempt: str = ATTEMPT, jobs: tuple[str, ...] = JOBS) -> Secrets:
    """Commit data keys of every patient in every shard of both jobs, and return them."""
    secrets: Secrets = {}
    for job in jobs:
        store.note_job(job)
        for shard in range(SHARDS):
            keys = secrets[job, shard] = {patient: new_data_key() for patient in PATIENTS}
            save(store, job, shard, keys, attempt=attempt)
    return secrets


def save(store: KeyStore, job: str, shard: int, keys: dict[str, bytes], *, attempt: str = ATTEMPT) -> None:
    """Commit data keys: patient 0 has rows 0 and 3, patient 1 has 1 and 4, and so on."""
    made = [DataKey(patient, key, [place, place + len(PATIENTS)]) for place, (patient, key) in enumerate(keys.items())]
    store.save_keys(job, shard=shard, attempt=attempt, keys=made)


def opened(store: KeyStore, job: str, shard: int, *, attempt: str = ATTEMPT) -> dict[str, bytes]:
    """Data keys by patient."""
    keys = store.data_keys(job, shard=shard, attempt=attempt).keys
    return {patient: keys[place] for place, patient in enumerate(PATIENTS) if place in keys}


def all_opened(store: KeyStore) -> Secrets:
    """What opens in the whole store."""
    return {(place.job, place.shard): opened(store, place.job, place.shard) for place in find_tables(store.folder)}


def without(secrets: Secrets, patient: str) -> Secrets:
    """The same, one patient less."""
    return {place: {one: key for one, key in keys.items() if one != patient} for place, keys in secrets.items()}


def new_store(folder: Path) -> KeyStore:
    """An empty key store."""
    return create_key_store(folder)
