"""The re-identification map opens for the site alone, and forgets a patient who is erased."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.custody.reidentifying import reidentify
from pipelines.results.keys.identities import Identities
from pipelines.results.keystore import KeyStore
from sievert.errors import KeyStoreError, WrongKeyError
from tests.stores import quiet

PATIENT, OTHER = "a" * 32, "b" * 32
ENTRY = {"patient_id": "PID-007", "patient_name": "DOE^JANE"}


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    made = create_key_store(tmp_path / "keys")
    for patient in (PATIENT, OTHER):
        add(made, patient)
    return made


def add(store: KeyStore, patient: str) -> None:
    Identities(store.folder).add(patient, ENTRY, recipient=store.public, identity_key=store.identity_key)


def files(store: KeyStore) -> list[Path]:
    return sorted((store.folder / "identities").rglob("*.sealed"))


def test_what_was_sealed_comes_back_and_the_log_says_so(store: KeyStore) -> None:
    assert reidentify(store, PATIENT) == [ENTRY]
    log = (store.folder / "audit.jsonl").read_text()
    assert "reidentifying" in log
    assert PATIENT not in log
    assert "DOE" not in log


def test_nothing_in_the_files_says_who_it_is_and_nobody_else_may_read_them(store: KeyStore) -> None:
    assert len(files(store)) == 2
    for file in files(store):
        assert b"PID-007" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0


def test_the_same_entry_twice_is_one(store: KeyStore) -> None:
    add(store, PATIENT)
    assert len(files(store)) == 2


def test_another_key_does_not_open_it(store: KeyStore) -> None:
    with pytest.raises(WrongKeyError):
        list(Identities(store.folder).open(PATIENT, X25519PrivateKey.generate()))


def test_an_entry_does_not_open_as_another_patients(store: KeyStore) -> None:
    mine, theirs = files(store)
    theirs.write_bytes(mine.read_bytes())
    with pytest.raises(WrongKeyError):
        reidentify(store, OTHER)


def test_erasing_a_patient_takes_their_entries_and_no_others(store: KeyStore) -> None:
    swept = erase(store, PATIENT, job=None, progress=quiet)
    assert swept.identities == 1
    with pytest.raises(KeyStoreError, match="no such patient"):
        reidentify(store, PATIENT)
    assert reidentify(store, OTHER) == [ENTRY]


@pytest.mark.parametrize("name", ["", "../jobs", "A" * 32, "c" * 32])
def test_what_is_no_known_pseudonym_is_refused(store: KeyStore, name: str) -> None:
    with pytest.raises(KeyStoreError, match="no such patient"):
        reidentify(store, name)


def test_a_damaged_entry_is_told_of(store: KeyStore) -> None:
    files(store)[0].write_bytes(b"{}")
    with pytest.raises(KeyStoreError, match="damaged"):
        reidentify(store, PATIENT)
