from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.custody.rotating import rotate
from pipelines.results.keys.tables import find_tables
from pipelines.results.keystore import KeyStore
from pipelines.results.sealing import new_data_key
from sievert.errors import KeyStoreError, WrappingKeyError
from tests.stores import JOBS, PATIENTS, SHARDS, all_opened, fill, opened, quiet, save, without

PATIENT = PATIENTS[1]


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return create_key_store(tmp_path / "keys")


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_the_patient_is_gone_from_every_job_and_others_stay(store: KeyStore) -> None:
    secrets = fill(store)
    swept = erase(store, PATIENT, job=None, progress=quiet)
    assert (swept.tables, swept.rows) == (len(JOBS) * SHARDS, len(JOBS) * SHARDS)
    assert all_opened(store) == without(secrets, PATIENT)
    assert store.data_keys(JOBS[0], shard=0, attempt="f" * 32).erased == {1, 4}


def test_no_byte_of_the_patient_is_left_in_the_store(store: KeyStore) -> None:
    fill(store)
    tables = [pq.read_table(place.file(store.folder)).to_pylist() for place in find_tables(store.folder)]
    wrapped = [row["wrapped"] for rows in tables for row in rows if row["patient"] == PATIENT]
    assert all(one in bytes_of(store.folder) for one in wrapped)
    assert PATIENT.encode() in bytes_of(store.folder)
    erase(store, PATIENT, job=None, progress=quiet)
    left = bytes_of(store.folder)
    assert PATIENT.encode() not in left
    assert not any(one in left for one in wrapped)


def test_attempts_that_were_killed_are_erased_too_with_their_drafts(store: KeyStore) -> None:
    fill(store)
    save(store, JOBS[0], 0, {PATIENT: new_data_key()}, attempt="e" * 32)
    draft = store.folder / "jobs" / JOBS[0] / f"00001-{'d' * 32}.draft"
    shutil.copy(find_tables(store.folder)[0].file(store.folder), draft)
    assert erase(store, PATIENT, job=None, progress=quiet).tables == len(JOBS) * SHARDS + 1
    assert not draft.exists()


def test_one_job_can_be_erased_alone(store: KeyStore) -> None:
    secrets = fill(store)
    assert erase(store, PATIENT, job=JOBS[0], progress=quiet).tables == SHARDS
    for (job, shard), keys in secrets.items():
        assert (PATIENT in opened(store, job, shard)) == (job != JOBS[0])
        assert opened(store, job, shard).items() <= keys.items()


def test_an_unfinished_job_makes_no_new_key_for_who_was_erased(store: KeyStore) -> None:
    fill(store)
    erase(store, PATIENT, job=None, progress=quiet)
    late = {patient: new_data_key() for patient in PATIENTS}
    save(store, JOBS[0], SHARDS, late)
    assert opened(store, JOBS[0], SHARDS) == without({("", 0): late}, PATIENT)["", 0]
    assert store.data_keys(JOBS[0], shard=SHARDS, attempt="f" * 32).erased == {1, 4}


def test_a_job_that_was_never_noted_makes_none_either(store: KeyStore) -> None:
    fill(store)
    erase(store, PATIENT, job=None, progress=quiet)
    save(store, "d" * 64, 0, {patient: new_data_key() for patient in PATIENTS})
    assert PATIENT not in opened(store, "d" * 64, 0)


def test_a_new_study_of_who_was_erased_is_a_new_key(store: KeyStore) -> None:
    fill(store)
    erase(store, PATIENT, job=None, progress=quiet)
    secrets = fill(store, jobs=("c" * 64,))
    assert opened(store, "c" * 64, 0) == secrets["c" * 64, 0]


def test_erased_from_one_job_is_not_erased_from_another_that_is_unfinished(store: KeyStore) -> None:
    fill(store)
    erase(store, PATIENT, job=JOBS[0], progress=quiet)
    for job, there in ((JOBS[0], False), (JOBS[1], True)):
        save(store, job, SHARDS, {patient: new_data_key() for patient in PATIENTS})
        assert (PATIENT in opened(store, job, SHARDS)) is there


def test_erasing_again_changes_nothing(store: KeyStore) -> None:
    fill(store)
    erase(store, PATIENT, job=None, progress=quiet)
    before = {place: place.file(store.folder).read_bytes() for place in find_tables(store.folder)}
    again = erase(store, PATIENT, job=None, progress=quiet)
    assert (again.tables, again.rows) == (0, 0)
    assert before == {place: place.file(store.folder).read_bytes() for place in find_tables(store.folder)}


def test_an_unknown_patient_and_what_is_no_pseudonym_are_told(store: KeyStore) -> None:
    secrets = fill(store)
    with pytest.raises(KeyStoreError, match="no data key of this patient"):
        erase(store, "9" * 32, job=None, progress=quiet)
    with pytest.raises(KeyStoreError, match="no pseudonym"):
        erase(store, "SMITH^JOHN", job=None, progress=quiet)
    assert all_opened(store) == secrets
    assert not store.erasures.knows("9" * 32, None)


def test_a_damaged_table_stops_an_erasure_instead_of_being_passed_over(store: KeyStore) -> None:
    fill(store)
    file = find_tables(store.folder)[2].file(store.folder)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(KeyStoreError, match="damaged"):
        erase(store, PATIENT, job=None, progress=quiet)


def test_a_copy_that_somebody_made_among_the_tables_is_not_passed_over(store: KeyStore) -> None:
    fill(store)
    file = find_tables(store.folder)[0].file(store.folder)
    shutil.copy(file, file.with_name("00000-copy of.parquet"))
    with pytest.raises(KeyStoreError, match="none of ours"):
        erase(store, PATIENT, job=None, progress=quiet)


def test_after_erase_and_rotate_an_old_copy_of_the_tables_does_not_bring_the_patient_back(
    store: KeyStore, tmp_path: Path
) -> None:
    secrets = fill(store)
    shutil.copytree(store.folder / "jobs", tmp_path / "backup")
    shutil.copy(store.folder / "wrapping.json", tmp_path / "wrapping.json")
    erase(store, PATIENT, job=None, progress=quiet)
    rotate(store, progress=quiet)
    assert all_opened(store) == without(secrets, PATIENT)
    shutil.rmtree(store.folder / "jobs")
    shutil.copytree(tmp_path / "backup", store.folder / "jobs")
    for state in (None, tmp_path / "wrapping.json"):
        if state:
            shutil.copy(state, store.folder / "wrapping.json")
        with pytest.raises(WrappingKeyError):
            all_opened(store)
