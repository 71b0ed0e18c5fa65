"""The re-identification map opens for the site alone, and forgets a patient who is erased."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.custody.reidentifying import reidentify
from pipelines.results.custody.rotating import rotate
from pipelines.results.keys.identities import Identities
from pipelines.results.keys.wrapping import read_state
from pipelines.results.keystore import KeyStore
from sievert.errors import KeyStoreError, WrappingKeyError, WrongKeyError
from tests.stores import JOBS, quiet, save

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
    with pytest.raises(KeyStoreError, match="not as it was written"):
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


def test_after_erase_and_rotate_an_old_copy_of_the_map_opens_nothing(store: KeyStore, tmp_path: Path) -> None:
    shutil.copytree(store.folder / "identities", tmp_path / "copy")
    erase(store, PATIENT, job=None, progress=quiet)
    rotated = rotate(store, progress=quiet)
    assert (rotated.identities, reidentify(store, OTHER)) == (1, [ENTRY])
    shutil.copytree(tmp_path / "copy", store.folder / "identities", dirs_exist_ok=True)
    for patient in (PATIENT, OTHER):
        with pytest.raises(WrappingKeyError):
            reidentify(store, patient)


def test_an_entry_is_covered_anew_and_nothing_of_the_old_cover_stays(store: KeyStore) -> None:
    before = [json.loads(file.read_bytes()) for file in files(store)]
    rotated = rotate(store, progress=quiet)
    after = [json.loads(file.read_bytes()) for file in files(store)]
    assert {entry["wrapping"] for entry in after} == {rotated.wrapping} != {entry["wrapping"] for entry in before}
    for name in ("key", "cover"):
        assert len({entry[name] for entry in [*before, *after]}) == 2 * len(after)
    assert rotate(store, progress=quiet).identities == len(after)


def test_entries_of_before_there_was_a_cover_are_read_and_taken_under_it(store: KeyStore) -> None:
    """Version 1: the data key wrapped for the site alone."""
    for file in files(store):
        entry = Identities(store.folder)._read(file)
        told = {"key": entry.wrapped, "entry": entry.sealed}
        plain = {name: base64.b64encode(content).decode() for name, content in told.items()}
        file.write_bytes(json.dumps({"schema": "sievert.identity/1", **plain}).encode())
    assert reidentify(store, PATIENT) == [ENTRY]
    assert rotate(store, progress=quiet).identities == 2
    assert reidentify(store, PATIENT) == [ENTRY]
    assert all(json.loads(file.read_bytes())["wrapping"] for file in files(store))


def test_the_old_key_stays_while_an_entry_cannot_be_read(store: KeyStore) -> None:
    old = read_state(store.folder).current
    whole = files(store)[0].read_bytes()
    files(store)[0].write_bytes(b"{")
    with pytest.raises(KeyStoreError, match="damaged"):
        rotate(store, progress=quiet)
    files(store)[0].write_bytes(whole)
    rotated = rotate(store, progress=quiet)
    assert (rotated.resumed, rotated.destroyed) == (True, (old,))
    assert reidentify(store, PATIENT) == reidentify(store, OTHER) == [ENTRY]


def test_an_entry_that_is_added_during_a_rotation_is_under_the_new_key(store: KeyStore) -> None:
    save(store, JOBS[0], 0, {"7" * 32: bytes(32)})
    late = "d" * 32
    rotated = rotate(store, progress=lambda *_: add(KeyStore(store.folder), late))
    assert json.loads(next((store.folder / "identities" / late).iterdir()).read_bytes())["wrapping"] == rotated.wrapping
    assert reidentify(store, late) == [ENTRY]
